# SPDX-License-Identifier: Apache-2.0
"""Trains the classifier and writes model.onnx, tokenizer.json and config.json.

    go run ./wasm/model/train/prepare encode /tmp/encoded.jsonl
    python3 wasm/model/train/train.py --data /tmp/encoded.jsonl --out wasm/model [--background DIR] [--fraction 0.5]

Every number that it prints is measured on sentences that it did not train on.
One thread, fixed seeds: the same input gives the same bytes on one machine.
"""
import argparse
import glob
import hashlib
import json
import math
import os
import random
import sys
import time

import numpy
import torch
from torch.nn import functional as F

import network
import wordpiece

LABELS = ["asserts", "reports", "refutes", "asks", "accurate", "unrelated"]
LIMIT = 128


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--background", help="folder of .jsonl files with a text field, for pretraining")
    p.add_argument("--id", default="haechi-stance-1")
    p.add_argument("--vocab", type=int, default=7000)
    p.add_argument("--d", type=int, default=128)
    p.add_argument("--layers", type=int, default=2)
    p.add_argument("--ff", type=int, default=384)
    p.add_argument("--epochs", type=int, default=24)
    p.add_argument("--pretrain", type=int, default=6, help="epochs of masked-word pretraining")
    p.add_argument("--fraction", type=float, default=1.0, help="share of the training split to use (learning curve)")
    p.add_argument("--without", default="", help="topics to leave out of training, comma separated; measured on them")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--models", type=int, default=1, help="networks whose weights' predictions are averaged (study only)")
    p.add_argument("--report", help="file for the figures as JSON")
    return p.parse_args()


def share(key):
    """A number in [0, 1) that depends on key alone."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 2**32


def load(args):
    rows = [json.loads(line) for line in open(args.data, encoding="utf-8")]
    without = set(filter(None, args.without.split(",")))
    train, dev, test = [], [], []
    for r in rows:
        if r["split"] == "test":
            test.append(r)
        elif r["topic"] in without:
            r["split"] = "left-out"
            test.append(r)
        elif not r["input"]:
            continue
        elif r["split"] == "train" and share("dev" + r["id"]) < 0.08:
            dev.append(r)
        elif r["split"] == "rule" or share("part" + r["id"]) < args.fraction:
            train.append(r)
    return train, dev, test


def batches(items, size, rng=None):
    """Batches of like length; shuffled when rng is given."""
    order = list(range(len(items)))
    if rng:
        rng.shuffle(order)
        blocks = [sorted(order[i : i + size * 20], key=lambda k: len(items[k])) for i in range(0, len(order), size * 20)]
        order = [k for b in blocks for k in b]
    out = [order[i : i + size] for i in range(0, len(order), size)]
    if rng:
        rng.shuffle(out)
    return out


def tensors(ids):
    n = max(map(len, ids))
    x = torch.zeros(len(ids), n, dtype=torch.long)
    m = torch.zeros(len(ids), n, dtype=torch.long)
    for i, s in enumerate(ids):
        x[i, : len(s)] = torch.tensor(s)
        m[i, : len(s)] = 1
    return x, m


def pretrain(net, sequences, epochs, vocab, rng):
    """Masked words (Devlin et al. 2019): 15 % of the pieces are to be guessed."""
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    total = epochs * math.ceil(len(sequences) / 64)
    step, mask_id = 0, vocab.index("[MASK]")
    for epoch in range(epochs):
        net.train()
        loss_sum, n = 0.0, 0
        for b in batches(sequences, 64, rng):
            for g in opt.param_groups:
                g["lr"] = 1.5e-3 * min(1, step / 300) * max(0.05, 1 - step / total)
            x, m = tensors([sequences[k] for k in b])
            chosen = (torch.rand(x.shape) < 0.15) & (m == 1) & (x > 4)
            if not chosen.any():
                continue
            y = x.clone()
            r = torch.rand(x.shape)
            x[chosen & (r < 0.8)] = mask_id
            other = chosen & (r > 0.9)
            x[other] = torch.randint(5, len(vocab), x.shape)[other]
            h = net.encode(x, m.float())[chosen]
            loss = F.cross_entropy(net.mlm(h), y[chosen])
            opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            loss_sum, n, step = loss_sum + loss.item(), n + 1, step + 1
        print(f"pretrain epoch {epoch + 1}: loss {loss_sum / n:.3f}", flush=True)


def fit(net, rows, ids, epochs, rng, vocab):
    """Cross-entropy over the stances; a rule's own misses, which have no
    stance, say only that the distortion is not asserted."""
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    y = torch.tensor([LABELS.index(r["label"]) if r["label"] else -1 for r in rows])
    total, step = epochs * math.ceil(len(rows) / 32), 0
    unk = vocab.index("[UNK]")
    for epoch in range(epochs):
        net.train()
        loss_sum, n = 0.0, 0
        for b in batches(ids, 32, rng):
            for g in opt.param_groups:
                g["lr"] = 7e-4 * min(1, (step + 1) / 200) * max(0.02, 1 - step / total)
            x, m = tensors([ids[k] for k in b])
            drop = (torch.rand(x.shape) < 0.08) & (m == 1) & (x > 11)  # specials and masks stay
            x[drop] = unk
            logp = F.log_softmax(net(x, m), -1)
            t = y[b]
            known = t >= 0
            loss = 0.0
            if known.any():
                p = logp[known]
                loss = loss + (0.95 * F.nll_loss(p, t[known], reduction="sum") - 0.05 / len(LABELS) * p.sum())
            if (~known).any():
                q = logp[~known][:, 1:]
                loss = loss - torch.logsumexp(q, -1).sum()
            loss = loss / len(b)
            opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            loss_sum, n, step = loss_sum + loss.item(), n + 1, step + 1
        if (epoch + 1) % 4 == 0:
            print(f"epoch {epoch + 1}: loss {loss_sum / n:.3f}", flush=True)


def predict(nets, ids):
    """Logits, (rows, labels), averaged over the networks."""
    out = torch.zeros(len(ids), len(LABELS))
    with torch.no_grad():
        for net in nets:
            net.eval()
            for i in range(0, len(ids), 64):
                x, m = tensors(ids[i : i + 64])
                out[i : i + 64] += net(x, m)
    return out / len(nets)


def sentences(rows, scores):
    """One score a sentence: the greatest over its inputs; 0 where it has none."""
    best = {}
    for r, s in zip(rows, scores):
        k = r["id"]
        if k not in best or s > best[k][1]:
            best[k] = (r, s)
    return list(best.values())


def figures(pairs, threshold):
    """Precision, recall, F1 and calibration error of [(row, score)]."""
    tp = sum(s >= threshold and r["expect"] == "flag" for r, s in pairs)
    fp = sum(s >= threshold and r["expect"] == "pass" for r, s in pairs)
    fn = sum(s < threshold and r["expect"] == "flag" for r, s in pairs)
    p, r = tp / max(1, tp + fp), tp / max(1, tp + fn)
    bins = [[] for _ in range(10)]
    for row, s in pairs:
        if s > 0:
            bins[min(9, int(s * 10))].append((s, row["expect"] == "flag"))
    n = sum(map(len, bins))
    ece = sum(abs(sum(s for s, _ in b) - sum(f for _, f in b)) for b in bins) / max(1, n)
    return {"n": len(pairs), "precision": round(p, 4), "recall": round(r, 4), "f1": round(2 * p * r / max(1e-9, p + r), 4), "ece": round(ece, 4)}


def temperature(logits, rows):
    """The divisor of the logits that makes the dev split's scores truest."""
    y = torch.tensor([float(r["expect"] == "flag") for r in rows])
    best = None
    for t in [x / 20 for x in range(10, 81)]:
        p = torch.softmax(logits / t, -1)[:, 0].clamp(1e-6, 1 - 1e-6)
        nll = -(y * p.log() + (1 - y) * (1 - p).log()).mean().item()
        if best is None or nll < best[0]:
            best = (nll, t)
    return best[1]


def threshold(pairs, precision):
    """The least threshold from which on the dev split's precision holds."""
    best = 0.9
    for t in [x / 100 for x in range(95, 29, -1)]:
        if figures(pairs, t)["precision"] >= precision:
            best = t
        else:
            break
    return best


def export(net, out, vocab, args, temp, thresholds):
    net.eval()
    x = torch.randint(5, len(vocab), (2, 16))
    torch.onnx.export(net, (x, torch.ones_like(x)), os.path.join(out, "model.onnx"),
                      input_names=["input_ids", "attention_mask"], output_names=["logits"], opset_version=13,
                      dynamic_axes={"input_ids": {0: "batch", 1: "tokens"}, "attention_mask": {0: "batch", 1: "tokens"}, "logits": {0: "batch"}})
    wordpiece.write(os.path.join(out, "tokenizer.json"), vocab)
    with open(os.path.join(out, "config.json"), "w", encoding="utf-8") as f:
        json.dump({
            "architectures": ["BertForSequenceClassification"], "model_type": "bert", "vocab_size": len(vocab),
            "hidden_size": args.d, "num_hidden_layers": args.layers, "num_attention_heads": 4, "intermediate_size": args.ff,
            "max_position_embeddings": LIMIT, "pad_token_id": 0,
            "id2label": {str(i): l for i, l in enumerate(LABELS)}, "label2id": {l: i for i, l in enumerate(LABELS)},
            "haechi": {"id": args.id, "temperature": temp, "thresholds": thresholds},
        }, f, ensure_ascii=False, indent=1)
        f.write("\n")


def main():
    args = parse()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    started = time.time()
    train, dev, test = load(args)
    print(f"train {len(train)} inputs, dev {len(dev)}, test {len(test)}")
    background = []
    for name in sorted(glob.glob(os.path.join(args.background, "*.jsonl"))) if args.background else []:
        for line in open(name, encoding="utf-8"):
            for part in json.loads(line)["text"].splitlines():
                if 8 < len(part):
                    background.append(part.lower()[:240])
    print(f"background {len(background)} lines")
    vocab = wordpiece.learn([r["input"] for r in train] * 2 + background, args.vocab)
    tokenize = wordpiece.Tokenizer(vocab, LIMIT)
    ids = {k: [tokenize(r["input"]) for r in rows] for k, rows in (("train", train), ("dev", dev), ("test", [r for r in test if r["input"]]))}
    print(f"vocabulary {len(vocab)}, mean {numpy.mean([len(x) for x in ids['train']]):.1f} pieces")
    nets = []
    for k in range(args.models):
        torch.manual_seed(args.seed + k)
        rng = random.Random(args.seed + k)
        net = network.Network(len(vocab), len(LABELS), d=args.d, layers=args.layers, ff=args.ff, limit=LIMIT)
        if args.pretrain:
            pretrain(net, ids["train"] * 2 + [tokenize(t) for t in background], args.pretrain, vocab, rng)
        fit(net, train, ids["train"], args.epochs, rng, vocab)
        nets.append(net)
    logits = predict(nets, ids["dev"])
    temp = temperature(logits, dev)
    pairs = sentences(dev, torch.softmax(logits / temp, -1)[:, 0].tolist())
    a, b = threshold(pairs, 0.96), threshold(pairs, 0.97)
    thresholds = {"A": max(0.5, a), "B": max(0.5, b), "C": max(0.5, b)}
    print(f"temperature {temp}, thresholds {thresholds}, dev {figures(pairs, thresholds['A'])}")
    report = {"dev": figures(pairs, thresholds["A"]), "test": {}}
    if test:
        reached = [r for r in test if r["input"]]
        scores = torch.softmax(predict(nets, ids["test"]) / temp, -1)[:, 0].tolist()
        pairs = sentences(reached, scores) + sentences([r for r in test if not r["input"]], [0.0] * len(test))
        groups = {"all": pairs}
        for key in ("lang", "kind", "topic"):
            for r, s in pairs:
                groups.setdefault(f"{key} {r[key]}", []).append((r, s))
        for name, group in sorted(groups.items()):
            report["test"][name] = figures(group, thresholds["A"])
            print(f"test {name}: {report['test'][name]}")
        with open("/tmp/haechi-test-scores.jsonl", "w", encoding="utf-8") as f:
            for r, s in pairs:
                f.write(json.dumps({"id": r["id"], "expect": r["expect"], "score": round(s, 3), "kind": r["kind"], "input": r["input"]}, ensure_ascii=False) + "\n")
    os.makedirs(args.out, exist_ok=True)
    export(nets[0], args.out, vocab, args, temp, thresholds)
    if args.report:
        json.dump(report, open(args.report, "w", encoding="utf-8"), ensure_ascii=False, indent=1)
    print(f"{time.time() - started:.0f} s, model {os.path.getsize(os.path.join(args.out, 'model.onnx'))} bytes")


if __name__ == "__main__":
    sys.exit(main())
