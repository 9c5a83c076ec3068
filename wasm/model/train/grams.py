# SPDX-License-Identifier: Apache-2.0
"""The classifier: hashed character n-grams, and where they stand to the masks.

A linear model over n-grams is what generalises best to topics it never saw
when there are thousands of sentences, not millions (MODEL_CARD.md has the
comparison). Hashing (Weinberger et al. 2009, Joulin et al. 2017) keeps it small
without a list of n-grams. Everything is in the ONNX graph: integer arithmetic
on the character ids gives each n-gram its row, so that any runtime that feeds
input_ids and attention_mask can run it.

logits[0] is the log-odds that the writer asserts the proposition; the other
five are log-probabilities of the stances given that he does not.
"""
import torch
from torch import nn

MODULUS = 2147483647  # 2^31 - 1; products with FACTOR stay below 2^63
FACTOR = 1000003


class Grams(nn.Module):
    """(batch, time) ids and mask → (batch, 6) logits.

    masks: the ids of [S], [F] and [T]. Tables are rows of weights by hash.
    """

    def __init__(self, masks, longest=5, near=3, reach=15, rows=1 << 18, near_rows=1 << 16, other_rows=1 << 15):
        super().__init__()
        self.longest, self.near, self.reach = longest, near, reach
        self.register_buffer("masks", torch.tensor(masks).view(1, 1, -1))
        self.asserts = nn.Parameter(torch.zeros(rows, 1))
        self.beside = nn.Parameter(torch.zeros(near_rows, 2 * len(masks)))  # before and after each mask
        self.others = nn.Parameter(torch.zeros(other_rows, 5))
        self.bias, self.other_bias = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(5))

    def hashes(self, ids):
        """For n = 1 … longest the hash of the n-gram that begins at each place."""
        h = torch.zeros_like(ids)
        for n in range(1, self.longest + 1):
            end = ids.shape[1] - n + 1
            h = h[:, :end] * FACTOR + ids[:, n - 1 :] + n
            h = h - torch.div(h, MODULUS, rounding_mode="trunc") * MODULUS
            yield n, h

    @staticmethod
    def rows(h, size):
        h = torch.div(h, 7, rounding_mode="trunc")
        return h - torch.div(h, size, rounding_mode="trunc") * size

    def sides(self, ids):
        """(batch, time, 2 · masks): 1 where a mask follows, or went before, within reach."""
        here = (ids.unsqueeze(-1) == self.masks).to(torch.float32)
        b, t, m = here.shape
        upto = torch.cumsum(here, 1)  # masks at or before each place
        pad = torch.zeros(b, 1, m)
        last = upto[:, -1:, :]
        later = torch.cat([upto[:, self.reach :, :], last.expand(b, min(self.reach, t), m)], 1)[:, :t]
        earlier = torch.cat([pad.expand(b, min(self.reach + 1, t), m), upto], 1)[:, :t]
        after = ((later - upto) > 0.5).to(torch.float32)  # a mask stands within reach behind this place
        before = ((upto - here - earlier) > 0.5).to(torch.float32)  # and in front of it
        return torch.cat([after, before], -1)

    def forward(self, input_ids, attention_mask):
        mask = attention_mask.to(torch.float32)
        side = self.sides(input_ids)
        a = b = total = 0.0
        for n, h in self.hashes(input_ids):
            here = mask[:, n - 1 :].unsqueeze(1)  # (batch, 1, places): the n-gram ends within the text
            total = total + torch.matmul(here, torch.ones_like(h, dtype=torch.float32).unsqueeze(-1))[:, 0]
            a = a + torch.matmul(here, self.asserts[self.rows(h, self.asserts.shape[0])])[:, 0]
            b = b + torch.matmul(here, self.others[self.rows(h, self.others.shape[0])])[:, 0]
            if n <= self.near:
                z = self.beside[self.rows(h, self.beside.shape[0])] * side[:, : h.shape[1]]
                a = a + torch.matmul(torch.matmul(here, z)[:, 0], torch.ones(z.shape[-1], 1))
        size = torch.sqrt(total + 1.0)
        a = a * 3.0 / size + self.bias
        b = b * 3.0 / size + self.other_bias
        return torch.cat([a, torch.log(torch.softmax(b, -1) + 1e-6)], -1)
