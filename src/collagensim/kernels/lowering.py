"""Numba's passes and its way to LLVM's language, without what only code needs that counts owners of memory.

Numba finds out four times where each variable is needed for the last time, and once more marks it, to release what it
owns there; it looks at what a variable held before it is written again, and notes what every line does, in case of an
error. No kernel owns memory: without all this a third less is written, read and optimised. What is left out would do
nothing: results stay as they are.
"""

from __future__ import annotations

from typing import Any

from numba.core import ir, transforms, types
from numba.core.compiler_machinery import register_pass
from numba.core.ir_utils import build_definitions
from numba.core.lowering import Lower
from numba.core.rewrites.registry import rewrite_registry
from numba.core.ssa import reconstruct_ssa
from numba.core.typed_passes import AnnotateTypes, IRLegalization, NopythonRewrites, PreLowerStripPhis
from numba.core.untyped_passes import (
    GenericRewrites,
    InlineClosureLikes,
    IRProcessing,
    ReconstructSSA,
    WithLifting,
)  # fmt: skip

__all__ = ["INSTEAD", "NEEDLESS", "LeanLower"]

# They look for array expressions, closures and object mode, and note types for people; the fourth marks last uses.
NEEDLESS = (WithLifting, InlineClosureLikes, NopythonRewrites, IRLegalization, AnnotateTypes)


@register_pass(mutates_CFG=True, analysis_only=False)
class _Process(IRProcessing):
    """Give every loop one way back."""

    _name = "process"

    def run_pass(self, state: Any) -> bool:
        """As numba's own."""
        state.func_ir.blocks = transforms.canonicalize_cfg(state.func_ir.blocks)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _Rewrite(GenericRewrites):
    """Rewrite what has constants in it."""

    _name = "rewrite"

    def run_pass(self, state: Any) -> bool:
        """As numba's own."""
        blocks = state.func_ir.blocks
        for kind in rewrite_registry.rewrites["before-inference"]:
            rewrite, left = kind(state), list(blocks.items())
            while left:
                key, block = left.pop()
                if rewrite.match(state.func_ir, block, state.typemap, state.calltypes):
                    blocks[key] = rewrite.apply()
                    left.append((key, blocks[key]))
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _Part(ReconstructSSA):
    """Give each value of a variable a name of its own."""

    _name = "part"

    def run_pass(self, state: Any) -> bool:
        """As numba's own."""
        state.func_ir = reconstruct_ssa(state.func_ir)
        state.func_ir._definitions = build_definitions(state.func_ir.blocks)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _Join(PreLowerStripPhis):
    """Write in each block what those behind it choose from."""

    _name = "join"

    def run_pass(self, state: Any) -> bool:
        """As numba's own."""
        state.func_ir = self._strip_phi_nodes(state.func_ir)
        state.func_ir._definitions = build_definitions(state.func_ir.blocks)
        return True


INSTEAD = {
    IRProcessing: _Process,
    GenericRewrites: _Rewrite,
    ReconstructSSA: _Part,
    PreLowerStripPhis: _Join,
}


class LeanLower(Lower):
    """As numba's own, of functions without counted references."""

    def init(self) -> None:
        """As numba's own; what a function that owns memory does not release is lost."""
        super().init()
        if self.context.enable_nrt:
            raise TypeError(f"{self.fndesc.qualname} counts owners of memory: compile it with _nrt=False")

    def lower_block(self, block: Any) -> None:
        """As numba's own, without a note for each line."""
        self.pre_block(block)
        for statement in block.body:
            self.loc = statement.loc
            self.lower_inst(statement)
        self.post_block(block)

    def lower_inst(self, inst: Any) -> None:
        """As numba's own; what most statements are comes first."""
        if isinstance(inst, ir.Assign):
            name = inst.target.name
            self.storevar(self.lower_assign(self.typeof(name), inst), name)
        elif isinstance(inst, ir.StaticSetItem) and self._counted(inst):
            self.lower_setitem(inst.target, inst.index_var, inst.value, self.fndesc.calltypes[inst])
        else:
            super().lower_inst(inst)

    def lower_expr(self, resty: Any, expr: Any) -> Any:
        """As numba's own, which asks in vain what an element with a constant number means where any number will do."""
        if expr.op == "static_getitem" and self._counted(expr):
            return self.lower_getitem(resty, expr, expr.value, expr.index_var, self.fndesc.calltypes[expr])
        return super().lower_expr(resty, expr)

    def _counted(self, found: Any) -> bool:
        """Whether elements are found by a number, which need not be constant."""
        whole = found.target if isinstance(found, ir.StaticSetItem) else found.value
        return isinstance(found.index, int) and not isinstance(self.typeof(whole.name), types.BaseTuple)

    def storevar(self, value: Any, name: str, argidx: Any = None) -> None:
        """Keep a value; what the variable held before nobody needs to know."""
        self._alloca_var(name, self.typeof(name))
        if name in self._singly_assigned_vars:
            self._blk_local_varmap[name] = value
        else:
            self.builder.store(value, self.getvar(name))

    def lower_binop(self, resty: Any, expr: Any, op: Any) -> Any:
        """As numba's own, which looks for special cases of constants although there is none."""
        if expr.static_lhs is not ir.UNDEFINED or expr.static_rhs is not ir.UNDEFINED:
            return super().lower_binop(resty, expr, op)
        context, builder, signature = self.context, self.builder, self.fndesc.calltypes[expr]
        given = [
            context.cast(builder, self.loadvar(value.name), self.typeof(value.name), kind)
            for value, kind in zip((expr.lhs, expr.rhs), signature.args, strict=True)
        ]
        function = context.typing_context.resolve_value_type(op)
        meant = function.get_call_type(context.typing_context, signature.args, {})
        result = context.get_function(function, meant)(builder, given)
        return context.cast(builder, result, signature.return_type, resty)
