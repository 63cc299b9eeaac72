"""What harnesses are made of: free inputs, values of the past, and a look inside a component that stays as it is."""

from collections.abc import Iterator

from amaranth.back import rtlil
from amaranth.hdl import Assert, Assume, ClockDomain, Const, Elaboratable, Fragment, Module, Signal, Value
from amaranth.hdl._ast import AnyConst, AnySeq, Initial
from amaranth.hdl._mem import MemoryInstance
from amaranth.lib.wiring import Out

__all__ = ["Inside", "any_constant", "any_value", "assert_held", "assume_held", "free", "implies", "past", "rtlil_of"]


def any_value(shape) -> Value:
    """A value that may be another one in every cycle."""
    return AnySeq(shape)


def any_constant(m: Module, shape, name: str) -> Signal:
    """A value that may be any and stays: what is proved of it is proved of all."""
    constant = Signal(shape, name=name)
    m.d.comb += Value.cast(constant).eq(AnyConst(len(Value.cast(constant))))
    return constant


def free(m: Module, *inputs) -> None:
    """Let the environment do what it likes with each of ``inputs``."""
    for one in map(Value.cast, inputs):
        m.d.comb += one.eq(AnySeq(len(one)))


def past(m: Module, value, cycles: int = 1) -> Value:
    """``value`` of that many cycles ago; 0 before the first cycle."""
    value = Value.cast(value)
    for _ in range(cycles):
        before = Signal(value.shape(), name="before")
        m.d.sync += before.eq(value)
        value = before
    return value


def implies(condition, consequence) -> Value:
    """True unless ``condition`` holds and ``consequence`` does not."""
    return ~Value.cast(condition).bool() | Value.cast(consequence).bool()


def _held(m: Module, valid, ready, payload) -> Value:
    """What was offered and not taken is still offered, unchanged."""
    payload = Value.cast(payload)
    waiting = past(m, valid & ~ready)
    return implies(waiting & ~Initial(), valid & (payload == past(m, payload)))


def assert_held(m: Module, valid, ready, payload) -> None:
    """Claim that what was offered and not taken stays offered, unchanged."""
    m.d.comb += Assert(_held(m, valid, ready, payload))


def assume_held(m: Module, valid, ready, payload) -> None:
    """Suppose that the environment goes on offering, unchanged, what was not taken."""
    m.d.comb += Assume(_held(m, valid, ready, payload))


class Inside:
    """A component with everything in it in reach, for the invariants that make a claim inductive.

    Nothing of it changes: signals are only read, and a memory gets one more port that reads. Only :meth:`cut` takes
    something out, and puts everything that could be there in its place.

    Parameters
    ----------
    m : Module
        The harness; gets the component as ``m.submodules.dut``, or by ``name``.
    component : Elaboratable
    """

    def __init__(self, m: Module, component: Elaboratable, name: str = "dut"):
        self._m, self._top = m, Fragment.get(component, None)
        m.submodules[name] = _Elaborated(self._top)

    def __getitem__(self, path: str) -> Signal:
        """The one signal with the name that ends ``path``, in the component that the rest of it leads to.

        Raises
        ------
        KeyError
            If there is none, or more than one.
        """
        *places, name = path.split(".")
        found = {id(one): one for one in _driven(self._at(places)) if one.name == name}
        if len(found) != 1:
            raise KeyError(f"{len(found)} signals are called {path}")
        return next(iter(found.values()))

    def unnamed(self, width: int, number: int = 0) -> Signal:
        """Register ``number``, from 0 in the order of the source, of those of that width that Python gave no name:
        in ``a, b = Signal(), Signal()`` only the last one gets one.
        """
        found = {id(one): one for one in _driven(self._top, "sync") if one.name == "$signal" and len(one) == width}
        return list(found.values())[number]

    def peek(self, path: str, address: Value) -> Value:
        """The word at ``address`` of the memory that ``path`` leads to, now."""
        cells = self._memory(path)
        word = Signal(Value.cast(cells._read_ports[0]._data).shape(), name="peeked")
        index = Signal(cells._read_ports[0]._addr.shape(), name="peeked_at")
        self._m.d.comb += index.eq(address)
        cells.read_port(domain="comb", addr=index, data=word, en=Const(1), transparent_for=())
        return word

    def read_register(self, path: str) -> Value:
        """The register behind the reading port of the memory that ``path`` leads to."""
        return self._memory(path)._read_ports[0]._data

    def cut(self, *paths: str) -> None:
        """Let the outputs of the components that these paths lead to be anything, in every cycle: what is then proved
        holds whatever they do.
        """
        for path in paths:
            part = self._at(path.split("."))
            component = part.origins[0]
            part.subfragments.clear()
            part.statements.clear()
            for _, member, value in component.signature.flatten(component):
                if member.flow is Out:
                    part.add_statements("comb", Value.cast(value).eq(AnySeq(len(Value.cast(value)))))

    def _memory(self, path: str) -> MemoryInstance:
        cells = self._at(path.split("."))
        if not isinstance(cells, MemoryInstance):
            raise KeyError(f"{path} is no memory")
        return cells

    def _at(self, places) -> Fragment:
        here = self._top
        for place in places:
            here = next(inner for inner, name, *_ in here.subfragments if name == place)
        return here


class _Elaborated(Elaboratable):
    """A fragment as a submodule."""

    def __init__(self, fragment: Fragment):
        self._fragment = fragment

    def elaborate(self, platform):
        return self._fragment


def _driven(fragment: Fragment, *domains: str) -> Iterator[Signal]:
    """Signals that the statements of ``fragment`` itself assign to, in all ``domains`` if none is named."""
    for domain in domains or fragment.statements:
        for statement in fragment.statements[domain]:
            yield from statement._lhs_signals()


def rtlil_of(harness: Elaboratable) -> str:
    """RTLIL of ``harness`` as module ``top``, with a clock and without a reset: it begins as after one.

    The same harness gives the same text.
    """
    fragment, domain = Fragment.get(harness, None), ClockDomain("sync", reset_less=True)
    fragment.add_domains(domain)
    return rtlil.convert(fragment, name="top", ports=[domain.clk], emit_src=False)
