"""Draws docs/pictures: `python scripts/pictures.py`; it needs the extras plot and data."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"


def main() -> None:
    import symderiv as sd
    from symderiv.learn.activations import draw_activations
    from symderiv.learn.descent import draw_descent
    from symderiv.learn.flow import draw_flow
    from symderiv.learn.interpret import bulls_eye, draw_regions, draw_templates, xor

    FOLDER.mkdir(parents=True, exist_ok=True)
    graph = sd.graph("a1 = sin(x2); a2 = x1*x2; a3 = a1 + a2", {"x1": "scalar", "x2": "scalar"})
    graph.draw(str(FOLDER / "graph.svg"), {"x1": 2.0, "x2": 3.0})
    network = "cross_entropy(relu(X @ W1 + b1) @ W2 + b2, y)"
    declared = {"X": "n,d", "W1": "d,h", "b1": "h", "W2": "h,k", "b2": "k", "y": "n integer"}
    sd.graph(network, declared, wrt=["W1", "b1", "W2", "b2"]).draw(str(FOLDER / "network.svg"))
    draw_activations(str(FOLDER / "activations.png"))
    flows = [sd.flow(20, 100, a, i) for i in ("xavier", "he") for a in ("sigmoid", "tanh", "relu")]
    draw_flow(flows, str(FOLDER / "flow.png"))
    draw_descent(str(FOLDER / "descent.png"))
    digits = sd.load_data("digits")
    draw_templates(sd.train("softmax", data=digits, l2=0.1), str(FOLDER / "templates.png"))
    usual = {"epochs": 40, "batch": 32, "step": 0.1, "momentum": 0.9, "l2": 1e-3}
    sd.train("perceptron-2", data=digits, every=1, **usual).plot(FOLDER / "curves.png")  # type: ignore[arg-type]
    for name, points in (("xor", xor), ("bulls_eye", bulls_eye)):
        X, y = points()
        linear = sd.train("softmax", X, y, test=0.0)
        two = sd.train("perceptron-2", X, y, test=0.0, activation="tanh", hidden=16, batch=32, step=0.1, momentum=0.9)
        draw_regions([linear, two], X, y, str(FOLDER / f"{name}.png"))
    print(f"{len(list(FOLDER.iterdir()))} pictures in {FOLDER}")


if __name__ == "__main__":
    main()
