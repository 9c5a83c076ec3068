# SPDX-License-Identifier: Apache-2.0
"""The classifier: a small transformer encoder with attention pooling.

Only operators that every ONNX runtime has: Gather, MatMul, Add, Mul, Softmax,
Relu, ReduceMean, Sqrt, Div and the like.
"""
import math

import torch
from torch import nn


class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.ones(d)), nn.Parameter(torch.zeros(d))

    def forward(self, x):
        x = x - x.mean(-1, keepdim=True)
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-5) * self.gain + self.bias


class Layer(nn.Module):
    def __init__(self, d, heads, ff, drop):
        super().__init__()
        self.d, self.heads = d, heads
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, ff), nn.Linear(ff, d)
        self.n1, self.n2, self.drop = Norm(d), Norm(d), nn.Dropout(drop)

    def forward(self, x, bias):
        b, t = x.shape[0], x.shape[1]
        h = self.d // self.heads
        q, k, v = self.qkv(self.n1(x)).split(self.d, dim=-1)
        q, k, v = (y.reshape(b, t, self.heads, h).permute(0, 2, 1, 3) for y in (q, k, v))
        a = torch.softmax(torch.matmul(q, k.permute(0, 1, 3, 2)) / math.sqrt(h) + bias, -1)
        y = torch.matmul(self.drop(a), v).permute(0, 2, 1, 3).reshape(b, t, self.d)
        x = x + self.drop(self.out(y))
        return x + self.drop(self.down(torch.relu(self.up(self.n2(x)))))


class Network(nn.Module):
    """(batch, time) ids and mask → (batch, labels) logits."""

    def __init__(self, vocab, labels, d=128, layers=2, heads=4, ff=384, limit=128, drop=0.2, pools=4):
        super().__init__()
        self.token, self.place = nn.Embedding(vocab, d), nn.Parameter(torch.randn(limit, d) * 0.02)
        nn.init.normal_(self.token.weight, std=0.05)
        self.layers = nn.ModuleList(Layer(d, heads, ff, drop) for _ in range(layers))
        self.norm, self.pool = Norm(d), nn.Linear(d, pools)
        self.head, self.drop = nn.Linear(pools * d, labels), nn.Dropout(drop)
        self.mlm = nn.Linear(d, vocab)
        self.pools, self.d = pools, d

    def encode(self, ids, mask):
        x = self.drop(self.token(ids) + self.place[: ids.shape[1]])
        bias = ((1.0 - mask) * -10000.0).unsqueeze(1).unsqueeze(1)
        for layer in self.layers:
            x = layer(x, bias)
        return self.norm(x)

    def forward(self, input_ids, attention_mask):
        mask = attention_mask.to(torch.float32)
        x = self.encode(input_ids, mask)
        w = self.pool(x).permute(0, 2, 1) + ((1.0 - mask) * -10000.0).unsqueeze(1)
        y = torch.matmul(torch.softmax(w, -1), x).reshape(x.shape[0], self.pools * self.d)
        return self.head(self.drop(y))
