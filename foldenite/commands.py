"""Every command there is, with what it does in a line."""

from dataclasses import dataclass

__all__ = ["COMMANDS", "GROUPS", "Command"]


@dataclass(frozen=True)
class Command:
    """``foldenite NAME`` is ``python -m MODULE``; ``summary`` is what the list says of it."""

    name: str
    module: str
    summary: str


#: Headings of the list, by where a module is; the longest beginning counts.
GROUPS = {
    "train": "Train and deploy",
    "gen": "Generate",
    "sim": "Prove, in Verilator or on a board",
    "formal": "Prove, for all inputs",
    "flows": "Measure and report",
    "train.studies": "Studies of training",
    "foldenite": "Studies of training and hardware",
}

COMMANDS = (
    Command("fit", "train.fit", "train a network: learn which of its random weights to keep"),
    Command("export", "train.export", "turn a trained checkpoint into a model file of integers"),
    Command("eval", "train.eval", "judge a model file on held-out images, by two implementations"),
    Command("predict", "train.predict", "what a model file sees in pictures"),
    Command("finetune", "train.finetune", "train on with the activations it will be deployed with"),
    Command("import-edge-popup", "train.import_edge_popup", "deploy a network that the public edge-popup code trained"),
    Command("zoo", "train.zoo", "train and export the models of the zoo again"),
    Command("sizes", "train.sizes", "parameters and bytes of the papers' networks, beside their tables"),
    Command("build", "gen.build", "the accelerator's Verilog, and a model compiled for it"),
    Command("check", "gen.check", "everything that keeps a model from running on a build, with remedies"),
    Command("synthetic", "gen.synthetic", "a model file of a named network that nobody trained"),
    Command("onnx", "gen.onnx", "the deployed network as one ONNX graph of integer operators"),
    Command("bitstream", "gen.board", "all that makes a bitstream for a ULX3S or another board with an ECP5"),
    Command("run", "sim.run", "run images through the Verilog and compare everything it stores"),
    Command("fuzz", "sim.fuzz", "random networks on random builds, every value and every cycle"),
    Command("protocol", "sim.protocol", "confused and hostile hosts, then a clean inference, bit-exact"),
    Command("networks", "sim.networks", "whole networks on builds of every size, as one table"),
    Command("board", "sim.board", "run images on a board and compare everything it sends"),
    Command("upsets", "sim.upsets", "bits flipped while inferences run: which are noticed, which harm"),
    Command("waves", "sim.waves", "signals around the start of an iteration of a folded block"),
    Command("activity", "sim.activity", "an image through a netlist of gates; what switches"),
    Command("prove", "formal", "what is claimed of the components, for all inputs and all time"),
    Command("synth", "flows.synth", "what a build takes on an FPGA or in silicon, and its routed clock"),
    Command("asic", "flows.asic", "estimated area in silicon, and energy per image"),
    Command("sweep", "flows.sweep", "which build suits a model, by exact cycles and estimated area"),
    Command("bench", "flows.bench", "every ratio: cycles, speed, sizes, training steps, signs per LUT"),
    Command("report", "flows.report", "one page that shows a build with a model"),
    Command("figures", "flows.figures", "draw the plots of the documents again, from their results"),
    Command("tables", "flows.tables", "write the tables of the documents again, from their results"),
    Command("ablation", "train.studies.ablation", "permutation and sign flips of a ring, on and off"),
    Command(
        "accounting", "train.studies.accounting",
        "what a network with rings stores: degrees of freedom, bytes, operations",
    ),
    Command(
        "baselines", "train.studies.baselines",
        "codebooks, Lego filters, hypernetworks, hashes and rings at equal size",
    ),
    Command("compare", "train.studies.compare", "the paper's methods, and ideas beyond them, side by side"),
    Command(
        "compress", "train.studies.compress",
        "what a network drawn from a ring can still lose: values, filters, bits",
    ),
    Command("convergence", "train.studies.convergence", "the ring paper's meter of convergence, and its experiment"),
    Command(
        "equilibrium", "train.studies.equilibrium",
        "a multiscale block run to its fixed point, beside a few runs with a ring",
    ),
    Command(
        "depth", "train.studies.depth", "depth and normals by a network that is run again: what its two runs share",
    ),
    Command("pose", "train.studies.pose", "stacked pose networks: shared weights, a ring, or weights of their own"),
    Command(
        "generalization", "train.studies.generalization",
        "train-validation gaps and corrupted images, with and without a ring",
    ),
    Command("hourglass", "train.studies.hourglass", "a pose network as a model file, with a picture of what it finds"),
    Command("pruners", "train.studies.pruners", "pruning of a ring beside that of free weights: values, and filters"),
    Command(
        "recurrent", "train.studies.recurrent",
        "a sub-network run 1 to 4 times: tied weights, a ring, or weights of its own",
    ),
    Command(
        "scaling", "train.studies.scaling",
        "how the four methods converge, and scale with depth, width and iterations",
    ),
    Command("sharing", "train.studies.sharing", "ways of sharing weights at the same degrees of freedom"),
    Command("step-cost", "train.studies.step_cost", "what a training step costs, as a multiple of the dense one"),
    Command("storage", "train.studies.storage", "files of a ResNet-18 with and without a ring, in bytes"),
    Command("stretch", "train.studies.stretch", "recurrent blocks run more or fewer times than they were trained for"),
    Command("budget", "foldenite.budget", "which mask for which budget: accuracy against bytes and against cycles"),
    Command("ring-sweep", "train.studies.sweep", "accuracy against degrees of freedom"),
)
