"""Reciprocals of plain floats side by side: a processor divides four numbers in the time of one.

What a model divides by is mostly known before anything is divided: 1 / (k + x) and its like. Reciprocals that do not
wait for each other are therefore brought together by fours, with what they need before them. Every number sees the
operations that it saw, so the bits stay.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

__all__ = ["side_by_side"]

_DOUBLE, _INDEX = ir.DoubleType(), ir.IntType(32)
TOGETHER = 4  # eight take twice as long as four on most processors, and more moves
_FOUR = ir.VectorType(_DOUBLE, TOGETHER)
_ONES = ir.Constant(_FOUR, [1.0] * TOGETHER)


def side_by_side(block: Any) -> None:
    """Rewrite a block of straight-line code on plain floats so that its reciprocals are found by fours."""
    groups = _groups(block.instructions)
    if groups:
        block.instructions[:] = _Writer(block, groups).written(block.instructions)


def _groups(instructions: list[Any]) -> list[list[Any]]:
    """The reciprocals that go together: of one depth, which counts those that must be there before."""
    written = {id(_array(i.operands[1])) for i in instructions if i.opname == "store"}
    depth: dict[int, int | None] = {}
    levels: dict[int, list[Any]] = {}
    for i in instructions:
        before = [depth[id(x)] for x in i.operands if id(x) in depth]
        # What is read of an array that is also written must stay where it is, and so all that follows from it.
        stays = None in before or (i.opname == "load" and id(_array(i.operands[0])) in written)
        own = None if stays else max(before, default=0)  # type: ignore[type-var]
        if own is not None and _is_reciprocal(i):
            levels.setdefault(own, []).append(i)
            own += 1
        depth[id(i)] = own
    return [
        found[k : k + TOGETHER]
        for found in levels.values()
        for k in range(0, len(found), TOGETHER)
        if len(found) > k + 1
    ]


def _array(address: Any) -> Any:
    return address.operands[0] if getattr(address, "opname", "") == "getelementptr" else address


def _is_reciprocal(instruction: Any) -> bool:
    if instruction.opname != "fdiv" or instruction.type != _DOUBLE:
        return False
    over = instruction.operands[0]
    return isinstance(over, ir.Constant) and over.constant == 1.0


class _Writer:
    """Writes the instructions of a block anew, each after what it needs."""

    def __init__(self, block: Any, groups: list[list[Any]]) -> None:
        self.group_of = {id(one): group for group in groups for one in group}
        self.builder = ir.IRBuilder(ir.Block(block.parent, block.name))
        self.left: dict[int, Any] = {}
        self.now: dict[int, Any] = {}  # the value that stands for a reciprocal

    def written(self, instructions: list[Any]) -> list[Any]:
        """The instructions, those of a group of reciprocals brought forward to the first of them."""
        self.left = {id(i): i for i in instructions}
        for i in instructions:
            self.write(i)
        found: list[Any] = self.builder.block.instructions
        return found

    def write(self, instruction: Any) -> None:
        """Append an instruction, if it is still to come, behind what it needs."""
        todo = [instruction]
        while todo:
            i = todo[-1]
            group = self.group_of.get(id(i), [i])
            missing = [x for one in group for x in one.operands if id(x) in self.left]
            if id(i) in self.left and missing:
                todo += missing
                continue
            todo.pop()
            if id(i) in self.left:
                for one in group:
                    del self.left[id(one)]
                if len(group) > 1:
                    self.divide(group)
                else:
                    i.operands = [self.now.get(id(x), x) for x in i.operands]
                    self.builder.block.instructions.append(i)

    def divide(self, group: list[Any]) -> None:
        """Find the reciprocals of a group at once."""
        self.builder.position_at_end(self.builder.block)
        below: Any = _ONES
        for k, one in enumerate(group):
            below = self.builder.insert_element(
                below, self.now.get(id(one.operands[1]), one.operands[1]), _INDEX(k)
            )
        found = self.builder.fdiv(_ONES, below)
        for k, one in enumerate(group):
            self.now[id(one)] = self.builder.extract_element(found, _INDEX(k))
