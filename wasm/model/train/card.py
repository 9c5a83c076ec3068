# SPDX-License-Identifier: Apache-2.0
"""Writes the figures of figures.json into MODEL_CARD.md, between its markers.

    python3 wasm/model/train/card.py wasm/model
"""
import json
import sys

BEGIN, END = "<!-- figures: written by train/card.py -->", "<!-- end of figures -->"
NAMES = {
    "test, topics seen": "Test split (written by others), topics with training sentences",
    "test, topics never seen": "Test split, topics known only by their rule file",
    "dev, topics seen": "Dev split (written by others; calibration and thresholds come from it)",
    "dev, topics left out": "Dev split, by networks that had the topic left out",
    "cross-validated by topic": "Training split, cross-validated by topic: what a pushed rule can expect",
}
COLUMNS = ["sentences", "flag", "precision", "recall", "f1", "passes flagged", "calibration error"]


def table(groups):
    out = ["| | " + " | ".join(COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS)]
    names = ["all"] + sorted(k for k in groups if k.startswith("lang ")) + sorted(k for k in groups if k.startswith("kind "))
    for name in names:
        if name in groups:
            out.append(f"| {name} | " + " | ".join(str(groups[name][c]) for c in COLUMNS) + " |")
    return "\n".join(out)


def main(folder):
    report = json.load(open(f"{folder}/figures.json", encoding="utf-8"))
    parts = [f"{report['inputs']} training inputs over {report['topics']} topics."]
    if "learning curve" in report:
        parts.append("### Learning curve\n\n| share of the training split | average precision on the dev split |\n|---|---|\n" + "\n".join(f"| {k} | {v} |" for k, v in report["learning curve"].items()))
    for key, title in NAMES.items():
        if key in report:
            parts.append(f"### {title}\n\nAverage precision {report[key]['average precision']}.\n\n{table(report[key])}")
    path = f"{folder}/MODEL_CARD.md"
    text = open(path, encoding="utf-8").read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    open(path, "w", encoding="utf-8").write(before + BEGIN + "\n\n" + "\n\n".join(parts) + "\n\n" + END + after)


if __name__ == "__main__":
    main(sys.argv[1])
