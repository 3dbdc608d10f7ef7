"""Every rule of the tissue of single cells, and the reactions that make it.

``python docs/studies/tissue_rules.py > docs/tissue_rules.md`` makes the page, from the same plan that the machine code
of a voxel is written from.
"""

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.biology.dermal_healing import ROOMS
from collagensim.model import in_space
from collagensim.write.tissue import write_tissue

PAGE = """# The rules of the tissue

What happens in a voxel of the [tissue of single cells](tissue.md), and which reactions make it. The rows are those of
`TissuePlan.table()`: of the plan from which the voxel's machine code is written. Walks and the jumps of a session are
not among them. It is the model in space: oxygen, a closed form in the mean field, is supplied, used and diffuses. What
`basal.` begins is a source that holds the resting state where it is, its rate solved for in each layer. Made by
`docs/studies/tissue_rules.py`.
"""

CELLS = """
## What happens to cells

Rates of what happens to a cell are per cell; several reactions add up. What others do to it, such as engulfing, is
shared among all cells of its kind that are sensed there.

| cell | what happens | unit | made by |
|---|---|---|---|"""

FIELDS = """
## What happens to fields

Net rates. A reaction in *italics* also depends on the level of the field itself; its slope is what the implicit step
takes as loss. Soluble species spread; matrix stays where it is; of the surface only the uppermost voxels tell. Two of
the fields are carried by more than a number: `capillary_density` by pieces of vessel, `fibre_alignment` by the fibres'
tensor; the rates are theirs.

| place | field | unit | made by |
|---|---|---|---|"""

REACTIONS = """
## The reactions

A rate is multiplied by the density of who acts, of cells that of the voxel itself; all else that it reads is sensed.
The rates in symbols: `cs.write.reaction_table(cs.dermal_healing())`.

| reaction | who acts | what it means |
|---|---|---|"""

CHANGES, IS_LOST = "changes", "is lost"


def main():
    model = in_space(cs.dermal_healing(), dermal_architecture())
    plan = write_tissue(model)
    place = places(model)
    rows = {(species, what): (unit, made_by) for species, what, unit, made_by in plan.table()}
    print(PAGE, end="")
    print(CELLS)
    order = [species.name for species in model.species]
    for species, what in sorted(rows, key=lambda row: order.index(row[0])):
        unit, made_by = rows[species, what]
        if place[species] == "cell":
            print(f"| {species} | {what} | {unit} | {', '.join(map(link, made_by))} |")
    print(FIELDS)
    for where in ("soluble", "matrix", "surface"):
        for species in (name for name in order if place[name] == where):
            unit, made_by = rows[species, CHANGES]
            _, losing = rows[species, IS_LOST]
            told = ", ".join(f"*{link(name)}*" if name in losing else link(name) for name in made_by)
            print(f"| {where} | {species} | {unit} | {told} |")
    print(REACTIONS)
    files = homes()
    for reaction in model.reactions:
        actor = "-" if reaction.actor is None else reaction.actor.name
        name = f'<a id="{reaction.name}"></a>[{reaction.name}]({files[reaction.name]})'
        print(f"| {name} | {actor} | {reaction.description} |")


def places(model):
    """Where each species lives in a tissue: what is soluble but bound, so that nothing spreads it, is matrix."""
    spreads = {transport.species for transport in model.transports}
    return {s.name: "matrix" if s.kind == "soluble" and s not in spreads else s.kind for s in model.species}


def link(name):
    """A reaction's name, linked to its row; basal sources have none."""
    return name if name.startswith("basal.") else f"[{name}](#{name})"


def homes():
    """The file in which each reaction is stated."""
    cast = "../src/collagensim/biology/cast.py"
    unfolded = in_space(cs.dermal_healing(), dermal_architecture()).reactions
    return {reaction.name: cast for reaction in unfolded} | {
        reaction.name: f"../src/{room.__name__.replace('.', '/')}.py"
        for room in ROOMS
        for reaction in room.REACTIONS
    }


if __name__ == "__main__":
    main()
