# SPDX-License-Identifier: Apache-2.0
"""Compares designs of the classifier on topics that none of them trained on.

    go run ./wasm/model/train/prepare encode /tmp/encoded.jsonl
    python3 wasm/model/train/study.py --data /tmp/encoded.jsonl [DESIGN …]

Every fifth topic of the training split is left out, each design is trained
once on the rest, and a line of MODEL_CARD.md is printed for it. Baselines that
learn nothing come first.
"""
import argparse
import random
import time

import torch
from torch import nn
from torch.nn import functional as F

import train
import wordpiece

FOLDS = 5


class Convolution(nn.Module):
    """Characters → embeddings → widths 2 to 6, greatest value of each filter (Kim 2014)."""

    def __init__(self, vocab, d=48, filters=96):
        super().__init__()
        self.token = nn.Embedding(vocab, d, padding_idx=0)
        self.widths = nn.ModuleList(nn.Conv1d(d, filters, w, padding=w - 1) for w in range(2, 7))
        self.out, self.drop = nn.Linear(filters * len(self.widths), len(train.LABELS)), nn.Dropout(0.5)

    def forward(self, x, mask):
        e = self.token(x).transpose(1, 2)
        return self.out(self.drop(torch.cat([torch.relu(c(e)).amax(-1) for c in self.widths], -1)))


class Transformer(nn.Module):
    """Characters → two layers of 96 → mean and greatest value."""

    def __init__(self, vocab, d=96, layers=2, heads=4):
        super().__init__()
        self.token, self.place = nn.Embedding(vocab, d, padding_idx=0), nn.Parameter(torch.randn(train.LIMIT, d) * 0.02)
        layer = nn.TransformerEncoderLayer(d, heads, 3 * d, dropout=0.2, batch_first=True, norm_first=True)
        self.layers, self.out = nn.TransformerEncoder(layer, layers), nn.Linear(2 * d, len(train.LABELS))

    def forward(self, x, mask):
        none = mask == 0
        h = self.layers(self.token(x) + self.place[: x.shape[1]], src_key_padding_mask=none)
        mean = h.masked_fill(none.unsqueeze(-1), 0).sum(1) / mask.sum(1, keepdim=True)
        return self.out(torch.cat([mean, h.masked_fill(none.unsqueeze(-1), -9).amax(1)], -1))


def descend(make, rows, ids, epochs, rate):
    """Trains a network whose six logits are a softmax, by AdamW."""
    torch.manual_seed(1)
    rng = random.Random(1)
    net = make()
    opt = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.05)
    label = torch.tensor([train.LABELS.index(r["label"]) if r["label"] else -1 for r in rows])
    flag = torch.tensor([float(r["expect"] == "flag") for r in rows])
    order, step, total = list(range(len(rows))), 0, epochs * (len(rows) // 32 + 1)
    for _ in range(epochs):
        rng.shuffle(order)
        blocks = [sorted(order[i : i + 640], key=lambda k: len(ids[k])) for i in range(0, len(order), 640)]
        batches = [b[i : i + 32] for b in blocks for i in range(0, len(b), 32)]
        rng.shuffle(batches)
        for b in batches:
            for g in opt.param_groups:
                g["lr"] = rate * min(1, (step + 1) / 200) * max(0.02, 1 - step / total)
            step += 1
            z = net(*train.tensors([ids[k] for k in b]))
            loss = F.binary_cross_entropy_with_logits(z[:, 0] - torch.logsumexp(z[:, 1:], -1), flag[b])
            passes = label[b] > 0
            if passes.any():
                loss = loss + 0.5 * F.cross_entropy(z[passes][:, 1:], label[b][passes] - 1)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
    return net.eval()


def score(net, ids):
    z = train.predict(net, ids)
    return (z[:, 0] - torch.logsumexp(z[:, 1:], -1)).tolist()


def recall_at(pairs, precision):
    tp, best, total = 0, 0.0, sum(r["expect"] == "flag" for r, _ in pairs)
    for i, (r, _) in enumerate(sorted(pairs, key=lambda x: -x[1]), 1):
        tp += r["expect"] == "flag"
        if tp / i >= precision:
            best = max(best, tp / total)
    return best


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True)
    p.add_argument("--fraction", type=float, default=1.0)
    p.add_argument("designs", nargs="*", default=["candidates", "grams", "grams without skeleton", "convolution", "transformer"])
    args = p.parse_args()
    torch.set_num_threads(1)
    rows, _, known = train.load(args)
    rank = {t: i for i, t in enumerate(sorted(known))}
    inside, outside = [r for r in rows if rank[r["topic"]] % FOLDS], [r for r in rows if rank[r["topic"]] % FOLDS == 0]
    vocab = wordpiece.vocabulary([r["input"] for r in inside])
    tokenize = wordpiece.Tokenizer(vocab, train.LIMIT)
    print(f"{len(inside)} inputs to train on, {len(outside)} of {sum(i % FOLDS == 0 for i in rank.values())} topics left out")
    print("| design | average precision | recall at precision .95 | recall at precision .90 | seconds of training |\n|---|---|---|---|---|")
    for design in args.designs:
        started = time.time()
        text = (lambda r: r["input"].split(" ", 1)[1]) if "without skeleton" in design else (lambda r: r["input"])
        a, b = [tokenize(text(r)) for r in inside], [tokenize(text(r)) for r in outside]
        if design == "candidates":  # a subject and a wrong word: all that a word list can say
            scores = [0.0] * len(b)
        elif design.startswith("grams"):
            scores = score(train.fit(vocab, inside, a, 10), b)
        elif design == "convolution":
            scores = score(descend(lambda: Convolution(len(vocab)), inside, a, 8, 2e-3), b)
        elif design == "transformer":
            scores = score(descend(lambda: Transformer(len(vocab)), inside, a, 8, 1e-3), b)
        else:
            raise SystemExit(f"study: no design {design!r}")
        pairs = train.sentences(outside, scores)
        print(f"| {design} | {train.average_precision(pairs):.3f} | {recall_at(pairs, 0.95):.2f} | {recall_at(pairs, 0.90):.2f} | {time.time() - started:.0f} |", flush=True)


if __name__ == "__main__":
    main()
