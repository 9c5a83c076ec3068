# SPDX-License-Identifier: Apache-2.0
"""Trains the classifier and writes model.onnx, tokenizer.json, config.json,
figures.json and the reference logits of the Go tests.

    go run ./wasm/model/train/prepare encode /tmp/encoded.jsonl
    python3 wasm/model/train/train.py --data /tmp/encoded.jsonl --out wasm/model

Temperature and thresholds come from the dev split, which nothing trains on;
those for topics never seen from networks that had the topic left out. Every
figure is of sentences that the measured network did not train on, and nothing
looks at the test split but the last table. One thread, fixed seeds.
"""
import argparse
import hashlib
import json
import math
import os
import random
import sys
import time

import onnx
import torch
from torch.nn import functional as F

import grams
import wordpiece

LABELS = ["asserts", "reports", "refutes", "asks", "accurate", "unrelated"]
EXAMPLE_WEIGHT = 4.0  # of a rule's own examples: they are what its author promises
ANSWER, ANSWER_WEIGHT = "answer", 4.0  # sentences of whole good answers, all of which must pass
LIMIT = 320  # tokens; detect/mask.go writes at most about 290 characters


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="what prepare encode wrote")
    p.add_argument("--out", required=True, help="folder of the model")
    p.add_argument("--id", default="haechi-stance-1")
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--folds", type=int, default=3)
    p.add_argument("--fraction", type=float, default=1.0, help="share of the training split to use")
    p.add_argument("--scores", help="file for the score of every sentence")
    p.add_argument("--figures-only", action="store_true", help="measure, write no model")
    return p.parse_args()


def share(key):
    """A number in [0, 1) that depends on key alone."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 2**32


def part(rows, fraction):
    """A share of the rows, the same sentences each time."""
    return [r for r in rows if fraction >= 1 or share("part" + r["id"]) < fraction]


def load(args):
    """Training rows, the rules' own examples among them; dev rows; test rows;
    the topics trained with. A topic without training sentences is one the
    model must not know: its rule's examples are left out as well."""
    rows = [json.loads(line) for line in open(args.data, encoding="utf-8")]
    known = {r["topic"] for r in rows if r["split"] == "train" and r["kind"] != ANSWER}
    train = [r for r in rows if r["split"] in ("train", "rule") and r["topic"] in known and r["input"]]
    return part(train, args.fraction), [r for r in rows if r["split"] == "dev"], [r for r in rows if r["split"] == "test"], known


def tensors(ids):
    n = max(map(len, ids))
    x = torch.zeros(len(ids), n, dtype=torch.long)
    m = torch.zeros(len(ids), n, dtype=torch.long)
    for i, s in enumerate(ids):
        x[i, : len(s)] = torch.tensor(s)
        m[i, : len(s)] = 1
    return x, m


def batches(order, ids, rng):
    """An epoch's batches of 32 of like length, in random order; shuffles order."""
    rng.shuffle(order)
    blocks = [sorted(order[i : i + 640], key=lambda k: len(ids[k])) for i in range(0, len(order), 640)]
    out = [b[i : i + 32] for b in blocks for i in range(0, len(b), 32)]
    rng.shuffle(out)
    return out


def fit(vocab, rows, ids, epochs, seed=1):
    """A network trained on rows. The first logit learns flag or pass, the
    others the stance of what passes, where it is labelled. Its weights are the
    mean over the ends of the later epochs (Polyak and Juditsky 1992), so that
    little depends on the order of the sentences."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    net = grams.Grams([vocab.index(m) for m in wordpiece.MASKS])
    opt = torch.optim.Adagrad(net.parameters(), lr=0.05)
    flag = torch.tensor([float(r["expect"] == "flag") for r in rows])
    weight = torch.tensor([EXAMPLE_WEIGHT if r["split"] == "rule" else ANSWER_WEIGHT if r["kind"] == ANSWER else 1.0 for r in rows])
    stance = torch.tensor([LABELS.index(r["label"]) - 1 if r["label"] and r["expect"] == "pass" else -1 for r in rows])
    order = list(range(len(rows)))
    mean, kept = [torch.zeros_like(p) for p in net.parameters()], 0
    for epoch in range(epochs):
        for b in batches(order, ids, rng):
            z = net(*tensors([ids[k] for k in b]))
            loss = F.binary_cross_entropy_with_logits(z[:, 0], flag[b], weight[b])
            known = stance[b] >= 0
            if known.any():
                loss = loss + F.nll_loss(z[known][:, 1:], stance[b][known])
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch >= epochs // 3:
            kept += 1
            for m, p in zip(mean, net.parameters()):
                m += p.detach()
    with torch.no_grad():
        for m, p in zip(mean, net.parameters()):
            p.copy_(m / kept)
    return net


def predict(net, ids):
    """(rows, labels) logits."""
    with torch.no_grad():
        order = sorted(range(len(ids)), key=lambda k: len(ids[k]))
        out = torch.zeros(len(ids), len(LABELS))
        for i in range(0, len(order), 64):
            b = order[i : i + 64]
            out[b] = net(*tensors([ids[k] for k in b]))
    return out


def by_topic(rows, folds):
    """Fold of each row: a topic's rows stay together; spread by rank, so that folds are of like size."""
    rank = {t: i for i, t in enumerate(sorted({r["topic"] for r in rows}))}
    return [rank[r["topic"]] % folds for r in rows]


def crossed(vocab, rows, ids, epochs, fold, others=(), other_ids=(), other_fold=()):
    """Logits of every row, and of every other row, by a network that saw no
    row of its fold."""
    out, more = torch.zeros(len(rows), len(LABELS)), torch.zeros(len(others), len(LABELS))
    for f in sorted(set(fold)):
        inside = [i for i, x in enumerate(fold) if x != f]
        outside = [i for i, x in enumerate(fold) if x == f]
        net = fit(vocab, [rows[i] for i in inside], [ids[i] for i in inside], epochs)
        out[outside] = predict(net, [ids[i] for i in outside])
        aside = [i for i, x in enumerate(other_fold) if x == f]
        if aside:
            more[aside] = predict(net, [other_ids[i] for i in aside])
    return out, more


def probability(logits, temp):
    return torch.softmax(logits / temp, -1)[:, 0].tolist()


def sentences(rows, scores):
    """One (row, score) a sentence: the greatest over its inputs."""
    best = {}
    for r, s in zip(rows, scores):
        if r["id"] not in best or s > best[r["id"]][1]:
            best[r["id"]] = (r, s)
    return list(best.values())


def figures(pairs, threshold):
    """Precision, recall, F1, share of passes flagged, calibration error."""
    tp = sum(s >= threshold and r["expect"] == "flag" for r, s in pairs)
    fp = sum(s >= threshold and r["expect"] == "pass" for r, s in pairs)
    flags = sum(r["expect"] == "flag" for r, _ in pairs)
    p, r = tp / max(1, tp + fp), tp / max(1, flags)
    bins = [[] for _ in range(10)]
    for row, s in pairs:
        if row["input"]:
            bins[min(9, int(s * 10))].append((s, row["expect"] == "flag"))
    ece = sum(abs(sum(s for s, _ in b) - sum(f for _, f in b)) for b in bins) / max(1, sum(map(len, bins)))
    return {"sentences": len(pairs), "flag": flags, "precision": round(p, 3), "recall": round(r, 3), "f1": round(2 * p * r / max(1e-9, p + r), 3),
            "passes flagged": round(fp / max(1, len(pairs) - flags), 3), "calibration error": round(ece, 3)}


def average_precision(pairs):
    tp, total, out = 0, sum(r["expect"] == "flag" for r, _ in pairs), 0.0
    for i, (r, _) in enumerate(sorted(pairs, key=lambda x: -x[1]), 1):
        if r["expect"] == "flag":
            tp += 1
            out += tp / i
    return round(out / max(1, total), 3)


def calibrate(logits, rows):
    """The divisor of the logits, and what to add to the first one, that make
    the scores truest (Platt 1999; Guo et al. 2017)."""
    y = torch.tensor([float(r["expect"] == "flag") for r in rows])

    def loss(t, add):
        z = logits.clone()
        z[:, 0] += add
        p = torch.softmax(z / t, -1)[:, 0].clamp(1e-6, 1 - 1e-6)
        return -(y * p.log() + (1 - y) * (1 - p).log()).mean().item()

    return min(((t / 20, add / 10) for t in range(8, 81) for add in range(-20, 21)), key=lambda x: loss(*x))


def threshold(pairs, precision, flagged):
    """The least threshold of at least 0.3 from which on the precision holds
    and no larger share of what must pass is flagged."""
    best = 0.95
    for t in (x / 100 for x in range(95, 29, -1)):
        f = figures(pairs, t)
        if f["precision"] < precision or f["passes flagged"] > flagged:
            break
        best = t
    return best


TURNED, SURE = 0.8, 0.985  # as in detect/engine.go


def answers_flagged(rows, logits, temp, add, threshold):
    """The share of whole good answers with any flag, decided as the engine
    decides: what the answer elsewhere refutes or reports must be sure."""
    logits = logits.clone()
    logits[:, 0] += add
    p = torch.softmax(logits / temp, -1)
    found, turns, flagged = {r["id"].split(":")[0] for r in rows}, {}, set()
    reached = [(r["id"].split(":"), q) for r, q in zip([r for r in rows if r["input"]], p.tolist())]
    for (answer, start, rule), q in reached:
        if q[LABELS.index("reports")] + q[LABELS.index("refutes")] >= TURNED:
            turns.setdefault((answer, rule), set()).add(start)
    for (answer, start, rule), q in reached:
        if q[0] >= (max(threshold, SURE) if turns.get((answer, rule), set()) - {start} else threshold):
            flagged.add(answer)
    return round(len(flagged) / max(1, len(found)), 3)


def grouped(pairs, threshold):
    groups = {"all": pairs}
    for key in ("lang", "kind", "topic"):
        for r, s in pairs:
            if r[key]:
                groups.setdefault(f"{key} {r[key]}", []).append((r, s))
    return {name: figures(g, threshold) for name, g in sorted(groups.items())}


def fix_output(path):
    """Says in the file that there is one logit a label, which the tracer cannot infer."""
    model = onnx.load(path)
    dims = model.graph.output[0].type.tensor_type.shape.dim
    dims[1].Clear()
    dims[1].dim_value = len(LABELS)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def export(net, vocab, args, temp, thresholds, unseen, answer, known):
    x = torch.randint(10, len(vocab), (2, 40))
    torch.onnx.export(net.eval(), (x, torch.ones_like(x)), os.path.join(args.out, "model.onnx"),
                      input_names=["input_ids", "attention_mask"], output_names=["logits"], opset_version=13,
                      dynamic_axes={"input_ids": {0: "batch", 1: "tokens"}, "attention_mask": {0: "batch", 1: "tokens"}, "logits": {0: "batch"}})
    fix_output(os.path.join(args.out, "model.onnx"))
    wordpiece.write(os.path.join(args.out, "tokenizer.json"), vocab)
    with open(os.path.join(args.out, "config.json"), "w", encoding="utf-8") as f:
        json.dump({
            "model_type": "bert", "vocab_size": len(vocab), "max_position_embeddings": LIMIT, "pad_token_id": 0,
            "id2label": {str(i): l for i, l in enumerate(LABELS)}, "label2id": {l: i for i, l in enumerate(LABELS)},
            "haechi": {"id": args.id, "temperature": temp, "thresholds": thresholds, "unseen": unseen, "answer": answer, "topics": sorted(known)},
        }, f, ensure_ascii=False, indent=1)
        f.write("\n")


def scored(rows, logits, temp, add):
    """One (row, score) a sentence; what reaches no proposition scores 0."""
    logits = logits.clone()
    logits[:, 0] += add
    reached = [r for r in rows if r["input"]]
    return sentences(reached + [r for r in rows if not r["input"]], probability(logits, temp) + [0.0] * (len(rows) - len(reached)))


def curve(vocab, train, ids, dev, dev_ids, epochs):
    """Average precision on the dev split of networks that learnt from a share of the corpus."""
    out = {}
    for fraction in (0.25, 0.5):
        kept = {id(r) for r in part(train, fraction)}
        use = [i for i, r in enumerate(train) if id(r) in kept]
        net = fit(vocab, [train[i] for i in use], [ids[i] for i in use], epochs)
        out[f"{fraction:.0%}"] = average_precision(scored(dev, predict(net, dev_ids), 1.0, 0.0))
    return out


# What the dev split must show at the thresholds: above the goals, for others
# will write otherwise. No threshold goes above HIGHEST, for beyond it little
# is gained and much is missed.
PRECISION, FLAGGED, ANSWERS_FLAGGED, HIGHEST = 0.965, 0.02, 0.05, 0.97


def main():
    args = parse()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    started = time.time()

    def say(*what):
        print(*what, f"[{time.time() - started:.0f} s]", flush=True)

    train, dev, test, known = load(args)
    vocab = wordpiece.vocabulary([r["input"] for r in train])
    tokenize = wordpiece.Tokenizer(vocab, LIMIT)
    ids = [tokenize(r["input"]) for r in train]
    whole = [r for r in dev if r["kind"] == ANSWER]
    whole_ids = [tokenize(r["input"]) for r in whole if r["input"]]
    dev = [r for r in dev if r["kind"] != ANSWER and r["topic"] in known]
    reached = [r for r in dev if r["input"]]
    dev_ids = [tokenize(r["input"]) for r in reached]
    say(f"{len(train)} inputs of {len(known)} topics, vocabulary {len(vocab)}; dev: {len(reached)} of {len(dev)} inputs reach a proposition")
    report = {"id": args.id, "inputs": len(train), "topics": len(known)}

    net = fit(vocab, train, ids, args.epochs)
    logits = predict(net, dev_ids)
    temp, add = calibrate(logits, reached)
    seen = scored(dev, logits, temp, add)
    a = threshold(seen, PRECISION, FLAGGED)
    thresholds = {"A": a, "B": a, "C": a}
    report["dev, topics seen"] = {"average precision": average_precision(seen), **grouped(seen, a)}
    say("dev, topics seen", average_precision(seen), report["dev, topics seen"]["all"])
    good = {t / 100: answers_flagged(whole, predict(net, whole_ids), temp, add, t / 100) for t in range(50, 100)}
    answer = max(a, min((t for t, share in good.items() if share <= ANSWERS_FLAGGED and t <= HIGHEST), default=HIGHEST))
    report["good answers"] = {"answers": len({r["id"].split(":")[0] for r in whole}), "threshold": answer, "with any flag": good[answer]}
    say("good answers", report["good answers"], {t: good[t] for t in (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)})
    report["learning curve"] = {**curve(vocab, train, ids, dev, dev_ids, args.epochs), "100%": average_precision(seen)}
    say("learning curve", report["learning curve"])

    fold = by_topic(train, args.folds)
    fold_of = {r["topic"]: f for r, f in zip(train, fold)}
    logits, aside = crossed(vocab, train, ids, args.epochs, fold, reached, dev_ids, [fold_of[r["topic"]] for r in reached])
    left_out = scored(dev, aside, temp, add)
    u = threshold(left_out, PRECISION, FLAGGED)
    unseen = {"A": u, "B": u, "C": u}
    report["dev, topics left out"] = {"average precision": average_precision(left_out), **grouped(left_out, u)}
    say("dev, topics left out", average_precision(left_out), report["dev, topics left out"]["all"])
    out = scored(train, logits, temp, add)
    report["cross-validated by topic"] = {"average precision": average_precision(out), **grouped(out, u)}
    say("by topic", average_precision(out), report["cross-validated by topic"]["all"])
    if args.scores:
        with open(args.scores, "w", encoding="utf-8") as f:
            for name, pairs in (("topic", out), ("dev", seen), ("dev, topic left out", left_out)):
                for r, s in pairs:
                    f.write(json.dumps({"by": name, "id": r["id"], "expect": r["expect"], "score": round(s, 4), "kind": r["kind"], "input": r["input"]}, ensure_ascii=False) + "\n")

    say(f"temperature {temp}, added {add}, thresholds {thresholds}, for topics never seen {unseen}, in answers {answer}")
    with torch.no_grad():
        net.bias += add
    if test:
        pairs = scored(test, predict(net, [tokenize(r["input"]) for r in test if r["input"]]), temp, 0.0)
        for name, group, t in (("test, topics seen", [p for p in pairs if p[0]["topic"] in known], a), ("test, topics never seen", [p for p in pairs if p[0]["topic"] not in known], u)):
            if group:
                report[name] = {"average precision": average_precision(group), **grouped(group, t)}
                say(name, average_precision(group), json.dumps({k: v for k, v in report[name].items() if k == "all" or "lang" in k}, indent=0))
    if not args.figures_only:
        export(net, vocab, args, temp, thresholds, unseen, answer, known)
        with open(os.path.join(args.out, "figures.json"), "w", encoding="utf-8") as f:
            json.dump(report, f, ensure_ascii=False, indent=1)
            f.write("\n")
        step = max(1, len(train) // 60)
        with open(os.path.join(args.out, "reference.jsonl"), "w", encoding="utf-8") as f:
            sample = train[::step]
            for r, l in zip(sample, predict(net, [tokenize(r["input"]) for r in sample]).tolist()):
                f.write(json.dumps({"input": r["input"], "logits": [round(x, 5) for x in l]}, ensure_ascii=False) + "\n")
        say(f"model.onnx {os.path.getsize(os.path.join(args.out, 'model.onnx'))} bytes")


if __name__ == "__main__":
    sys.exit(main())
