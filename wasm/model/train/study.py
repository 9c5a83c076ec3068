# SPDX-License-Identifier: Apache-2.0
"""Compares designs of the classifier on topics that none of them trained on.

    go run ./wasm/model/train/prepare encode /tmp/encoded.jsonl
    python3 wasm/model/train/study.py --data /tmp/encoded.jsonl [DESIGN …]

Every fifth topic of the training split is left out, each design is trained
once on the rest, and a line of MODEL_CARD.md is printed for it. Baselines that
learn nothing come first, then the linear designs, which package fit trains. With --out each network is left there as a model
folder, so that ext/parity/cost.mjs can time it in a browser.
"""
import argparse
import json
import os
import random
import subprocess
import tempfile
import time

import torch
from torch import nn
from torch.nn import functional as F

import grams
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
        e = (self.token(x) * mask.unsqueeze(-1)).transpose(1, 2)
        return self.out(self.drop(torch.cat([torch.relu(c(e)).amax(-1) for c in self.widths], -1)))


class Layer(nn.Module):
    """Self-attention and a feed-forward network, norms first (Vaswani et al. 2017)."""

    def __init__(self, d, heads):
        super().__init__()
        self.heads, self.before, self.between = heads, nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.join = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down, self.drop = nn.Linear(d, 3 * d), nn.Linear(3 * d, d), nn.Dropout(0.2)

    def forward(self, h, hide):
        b, t, d = h.shape
        q, k, v = self.qkv(self.before(h)).reshape(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(torch.matmul(q, k.transpose(-1, -2)) / (d // self.heads) ** 0.5 + hide, -1)
        h = h + self.drop(self.join(torch.matmul(self.drop(weights), v).transpose(1, 2).reshape(b, t, d)))
        return h + self.drop(self.down(self.drop(torch.relu(self.up(self.between(h))))))


class Transformer(nn.Module):
    """Characters → two layers of 96 → mean and greatest value."""

    def __init__(self, vocab, d=96, layers=2, heads=4):
        super().__init__()
        self.token, self.place = nn.Embedding(vocab, d, padding_idx=0), nn.Parameter(torch.randn(train.LIMIT, d) * 0.02)
        self.layers, self.out = nn.ModuleList(Layer(d, heads) for _ in range(layers)), nn.Linear(2 * d, len(train.LABELS))

    def forward(self, x, mask):
        seen = mask.unsqueeze(-1).to(torch.float32)
        hide = (1 - seen).transpose(1, 2).unsqueeze(1) * -1e4
        h = self.token(x) + self.place[: x.shape[1]]
        for layer in self.layers:
            h = layer(h, hide)
        return self.out(torch.cat([(h * seen).sum(1) / seen.sum(1), (h * seen - 9 * (1 - seen)).amax(1)], -1))


class Recurrent(nn.Module):
    """Characters → a GRU in both directions → mean and greatest value (Cho et al. 2014)."""

    def __init__(self, vocab, d=48, hidden=64):
        super().__init__()
        self.token = nn.Embedding(vocab, d, padding_idx=0)
        self.gru = nn.GRU(d, hidden, batch_first=True, bidirectional=True)
        self.out, self.drop = nn.Linear(4 * hidden, len(train.LABELS)), nn.Dropout(0.4)

    def forward(self, x, mask):
        h, _ = self.gru(self.token(x), torch.zeros(2, x.shape[0], self.gru.hidden_size))
        none = (mask == 0).unsqueeze(-1)
        mean = h.masked_fill(none, 0).sum(1) / mask.sum(1, keepdim=True)
        return self.out(self.drop(torch.cat([mean, h.masked_fill(none, -9).amax(1)], -1)))


def batches(order, ids, rng):
    """An epoch's batches of 32 of like length, in random order; shuffles order."""
    rng.shuffle(order)
    blocks = [sorted(order[i : i + 640], key=lambda k: len(ids[k])) for i in range(0, len(order), 640)]
    out = [b[i : i + 32] for b in blocks for i in range(0, len(b), 32)]
    rng.shuffle(out)
    return out


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
        for b in batches(order, ids, rng):
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


def fit(design, args, outside):
    """The scores of the left-out rows by one of fit's linear designs, and, of
    the shipped one, the network."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = os.path.join(folder, "tokenizer.json")
        wordpiece.main(args.data, tokenizer)
        subprocess.run(["go", "run", "./wasm/model/train/fit", "study", args.data, tokenizer, folder, str(args.fraction), design], check=True, stdout=subprocess.DEVNULL)
        net = None
        if design == SHIPPED:
            net = grams.Grams(wordpiece.read(tokenizer), wordpiece.MASKS, wordpiece.MARKS, folder)
        return train.fitted(folder, "study")[train.lines(outside)][:, 0].tolist(), net


def leave(net, vocab, folder, name, topics, texts, ids):
    """Writes a design as a model folder, with inputs to time it on."""
    args = argparse.Namespace(out=os.path.join(folder, name.replace(" ", "-")), id="study-" + name.replace(" ", "-"))
    os.makedirs(args.out, exist_ok=True)
    half = {"A": 0.5, "B": 0.5, "C": 0.5}
    train.export(net, vocab, args, half, half, 0.5, topics)
    with open(os.path.join(args.out, "inputs.jsonl"), "w", encoding="utf-8") as f:
        for text, tokens in list({t: i for t, i in zip(texts, ids)}.items())[:600]:
            f.write(json.dumps({"input": text, "tokens": tokens}, ensure_ascii=False) + "\n")
    return f"{os.path.getsize(os.path.join(args.out, 'model.onnx')) / 1e6:.1f}"


SHIPPED = "grams and words"
LINEAR = [SHIPPED, "grams", "grams, runs of words", "grams, pairs of words", "grams, words between masks", "grams in a small table", "grams without skeleton", "grams of unmasked text"]
DESIGNS = ["aliases only", "aliases and pattern windows", *LINEAR, "convolution", "recurrent", "transformer"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True)
    p.add_argument("--fraction", type=float, default=1.0)
    p.add_argument("--out", help="folder for the trained designs")
    p.add_argument("designs", nargs="*", default=DESIGNS)
    args = p.parse_args()
    torch.set_num_threads(1)
    rows, _, _, known = train.load(args)
    rank = {t: i for i, t in enumerate(sorted(known))}
    inside, outside = [r for r in rows if rank[r["topic"]] % FOLDS], [r for r in rows if rank[r["topic"]] % FOLDS == 0]
    print(f"{len(inside)} inputs to train on, {len(outside)} of {sum(i % FOLDS == 0 for i in rank.values())} topics left out")
    print("| design | average precision | ko | en | ja | zh | recall at precision .95 | recall at precision .90 | MB | seconds of training |\n|---|---|---|---|---|---|---|---|---|---|")
    for design in args.designs:
        started, net = time.time(), None
        vocab = wordpiece.vocabulary([r["input"] for r in (rows if design == SHIPPED else inside)])
        tokenize = wordpiece.Tokenizer(vocab, train.LIMIT)
        a, b = [tokenize(r["input"]) for r in inside], [tokenize(r["input"]) for r in outside]
        if design == "aliases only":  # a subject and a wrong word
            scores = [0.0] * len(b)
        elif design == "aliases and pattern windows":  # and one of the rule's patterns
            scores = [float(r.get("pattern", False)) for r in outside]
        elif design in LINEAR:
            scores, net = fit(design, args, outside)
        elif design == "convolution":
            net = descend(lambda: Convolution(len(vocab)), inside, a, 8, 2e-3)
        elif design == "recurrent":
            net = descend(lambda: Recurrent(len(vocab)), inside, a, 8, 2e-3)
        elif design == "transformer":
            net = descend(lambda: Transformer(len(vocab)), inside, a, 8, 1e-3)
        else:
            raise SystemExit(f"study: no design {design!r}; there are {', '.join(DESIGNS)}")
        seconds = time.time() - started
        if net is not None and design != SHIPPED:
            scores = score(net, b)
        size = leave(net, vocab, args.out, design, known, [r["input"] for r in outside], b) if net is not None and args.out else "–"
        pairs = train.sentences(outside, scores)
        langs = " | ".join(f"{train.average_precision([x for x in pairs if x[0]['lang'] == l]):.3f}" for l in ("ko", "en", "ja", "zh"))
        print(f"| {design} | {train.average_precision(pairs):.3f} | {langs} | {recall_at(pairs, 0.95):.2f} | {recall_at(pairs, 0.90):.2f} | {size} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
