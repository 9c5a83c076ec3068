# SPDX-License-Identifier: Apache-2.0
"""The classifier as a graph: hashed n-grams of characters and of words, where
they stand to the masks, and pairs of words that stand near one another.

A linear model over such features is what generalises best to topics it never
saw when there are thousands of sentences, not millions (MODEL_CARD.md has the
comparison). Hashing (Weinberger et al. 2009, Joulin et al. 2017) keeps it small
without a list of n-grams. Everything is in the ONNX graph: integer arithmetic
on the character ids gives each feature its row, so that any runtime that feeds
input_ids and attention_mask can run it. Package fit trains the weights with the
same arithmetic, a hundred times faster than a graph can be trained;
fit/features.go names the features.

logits[0] is the log-odds that the writer asserts the proposition, calibrated
for each language; the other five are log-probabilities of the stances given
that he does not.
"""
import os

import numpy
import torch
from torch import nn

import wordpiece

MODULUS = 2147483647  # 2^31 - 1; products with FACTOR stay below 2^63
FACTOR = 1000003
SUM_ONE, SUM_TWO = 32749, 32719  # sums over a word's characters stay exact in float32
TAG_SIDE, TAG_WORD, TAG_SKIP, TAG_BETWEEN = 1, 100, 200, 300
LONGEST, NEAR, REACH, WORDS, SKIP = 5, 3, 15, 3, 3
STANCES = 5


LANGUAGES = ["ko", "en", "ja", "zh"]
# What a character says of the language: kana tell Japanese from Chinese, and
# Latin letters stand in every language's names.
SAYS = {"hangul": ("ko", 2.0), "kana": ("ja", 3.0), "han": ("zh", 1.0), "latin": ("en", 0.5)}


def script(piece):
    c = piece[2:] if len(piece) > 2 and piece.startswith("##") else piece
    if len(c) != 1 or c in wordpiece.MASKS + wordpiece.MARKS:
        return None
    n = ord(c)
    return "hangul" if 0xAC00 <= n <= 0xD7A3 else "kana" if 0x3041 <= n <= 0x30FF else "han" if wordpiece.is_han(c) else "latin" if c.isascii() and c.isalpha() else None


def votes(pieces):
    """(pieces, languages) what each piece says of the language."""
    out = torch.zeros(len(pieces), len(LANGUAGES))
    for i, p in enumerate(pieces):
        if script(p):
            language, weight = SAYS[script(p)]
            out[i, LANGUAGES.index(language)] = weight
    return out


def rest(h, size):
    return h - torch.div(h, size, rounding_mode="trunc") * size


def following(h, ids, tag):
    return rest(h * FACTOR + ids + tag, MODULUS)


class Grams(nn.Module):
    """(batch, time) ids and mask → (batch, 6) logits.

    pieces: the vocabulary. masks: what stands for a rule's words; marks: what
    begins a part. folder: where fit left the weights. scale and add calibrate
    the first logit, by language, sharpen the others (1: as fit left them).
    """

    def __init__(self, pieces, masks, marks, folder, scale=(1.0,) * 4, add=(0.0,) * 4, sharpen=1.0):
        super().__init__()
        goes = torch.tensor([float(len(p) > 2 and p.startswith("##")) for p in pieces])
        kind = torch.zeros(len(pieces))
        for i, m in enumerate(masks + marks):
            kind[pieces.index(m)] = i + 1
        q = numpy.fromfile(os.path.join(folder, "flag.i8"), dtype=numpy.int8)
        other = numpy.fromfile(os.path.join(folder, "other.i8"), dtype=numpy.int8)
        few = numpy.fromfile(os.path.join(folder, "rest.f32"), dtype=numpy.float32)
        # Five of six bits to a number, each with 32 added: a row of the other stances.
        stances = (other.astype(numpy.int64) + 32).reshape(-1, STANCES) @ (64 ** numpy.arange(STANCES))
        # Four to a number, each with 128 added; the number less 2^31.
        packed = (q.astype(numpy.int64) + 128).reshape(-1, 4) @ numpy.array([1, 256, 65536, 16777216]) - (1 << 31)
        self.size, self.sharpen = len(q), float(sharpen)
        self.register_buffer("votes", votes(pieces))
        self.register_buffer("scale", torch.tensor(scale).view(-1, 1))
        self.register_buffer("plus", torch.tensor(add).view(-1, 1))
        self.unit, self.other_unit = float(few[0]), float(few[1])
        # Tables of one column at least: hugot's engine cannot pick from a list.
        self.register_buffer("pieces", torch.stack([goes, kind], 1))
        self.register_buffer("masks", torch.tensor([pieces.index(m) for m in masks]).view(1, 1, -1))
        self.register_buffer("packed", torch.tensor(packed, dtype=torch.int32).unsqueeze(1))
        self.register_buffer("places", torch.tensor([[1], [256], [65536], [16777216]]))
        self.register_buffer("sidewise", torch.arange(2 * len(masks)))
        self.register_buffer("bias", torch.tensor(few[2:3]))
        self.register_buffer("other_bias", torch.tensor(few[3:]))
        self.register_buffer("stances", torch.tensor(stances, dtype=torch.int32).unsqueeze(1))
        self.register_buffer("digits", 64 ** torch.arange(STANCES))

    def sides(self, ids):
        """(batch, time, 2 · masks): 1 where a mask follows, or went before, within reach."""
        here = (ids.unsqueeze(-1) == self.masks).to(torch.float32)
        b, t, m = here.shape
        upto = torch.cumsum(here, 1)  # masks at or before each place
        pad = torch.zeros(b, 1, m)
        last = upto[:, -1:, :]
        later = torch.cat([upto[:, REACH:, :], last.expand(b, min(REACH, t), m)], 1)[:, :t]
        earlier = torch.cat([pad.expand(b, min(REACH + 1, t), m), upto], 1)[:, :t]
        after = ((later - upto) > 0.5).to(torch.float32)  # a mask stands within reach behind this place
        before = ((upto - here - earlier) > 0.5).to(torch.float32)  # and in front of it
        return torch.cat([after, before], -1)

    def words(self, ids, mask):
        """For each of as many words as there are places: a number for it,
        between which marks it stands, and 1 where there is such a word."""
        piece = self.pieces[ids]
        goes, kind = piece[:, :, 0], piece[:, :, 1:] * mask.unsqueeze(-1)
        place = torch.cumsum(torch.ones_like(ids), 1)  # 1 …
        # Which mark stands at or before each place, and which is the next.
        passed = torch.cumsum((kind > 0.5).to(torch.int64), 1)
        since = (passed == place.unsqueeze(1)).to(torch.float32)  # (batch, place, mark)
        kinds = torch.matmul(since.transpose(1, 2), kind)  # of the first mark, of the second …
        later = torch.cat([kinds[:, 1:], torch.zeros_like(kinds[:, :1])], 1)
        code = torch.matmul(since, 8 * kinds + later)
        # Sums over the characters of each word.
        first = (1 - goes) * mask
        one = rest(rest(ids * FACTOR, MODULUS), SUM_ONE).to(torch.float32)
        pair = following(following(torch.zeros_like(ids), torch.cat([ids[:, :1], ids[:, :-1]], 1), 1), ids, 2)
        two = rest(pair, SUM_TWO).to(torch.float32) * goes
        of = torch.cumsum(first, 1).to(torch.int64)
        inside = (of.unsqueeze(1) == place.unsqueeze(-1)).to(torch.float32) * mask.unsqueeze(1)  # (batch, word, place)
        sums = torch.matmul(inside, torch.cat([one.unsqueeze(-1), two.unsqueeze(-1), code * first.unsqueeze(-1), first.unsqueeze(-1)], -1))
        whole = sums.to(torch.int64)
        return rest(whole[:, :, 0] * FACTOR + whole[:, :, 1], MODULUS), whole[:, :, 2], sums[:, :, 3]

    def keys(self, ids, mask):
        """The keys of all features of the flag and what each counts, (batch, features)
        both; then those of the characters' n-grams alone."""
        side = self.sides(ids)
        keys, counts, beside, places = [], [], [], []
        h = ids + 1
        for n in range(1, LONGEST + 1):  # as graphs go, a few large operations are cheaper than many small ones
            if n > 1:
                h = following(h[:, :-1], ids[:, n - 1 :], n)
            keys.append(h)
            counts.append(mask[:, n - 1 :])
            if n <= NEAR:
                beside.append(h)
                places.append(side[:, : 1 - n] if n > 1 else side)
        near, stand = torch.cat(beside, 1), torch.cat(counts[:NEAR], 1)
        near = following(near.unsqueeze(-1), self.sidewise, TAG_SIDE)
        stand = torch.cat(places, 1) * stand.unsqueeze(-1)
        grams, there = torch.cat(keys, 1), torch.cat(counts, 1)
        words, code, known = self.words(ids, mask)
        keys, counts = [grams, torch.flatten(near, 1)], [there, torch.flatten(stand, 1)]
        h = words + (TAG_WORD + 1)
        for n in range(1, WORDS + 1):
            h = following(h[:, :-1], words[:, n - 1 :], TAG_WORD + n) if n > 1 else rest(h, MODULUS)
            keys.append(h)
            counts.append(known[:, n - 1 :])
        first, second, both = [], [], []
        none = torch.zeros_like(known[:, :1]).expand(known.shape[0], SKIP + 1)
        later, known_later = torch.cat([words, none.to(torch.int64)], 1), torch.cat([known, none], 1)
        for g in range(2, SKIP + 2):
            first.append(words)
            second.append(later[:, g : g - SKIP - 1] if g < SKIP + 1 else later[:, g:])
            both.append(known * (known_later[:, g : g - SKIP - 1] if g < SKIP + 1 else known_later[:, g:]))
        keys += [following(torch.cat(first, 1), torch.cat(second, 1), TAG_SKIP), following(words, code, TAG_BETWEEN)]
        counts += [torch.cat(both, 1), known]
        return torch.cat(keys, 1), torch.cat(counts, 1), grams, there

    def weights(self, keys):
        """The weight of each key's row."""
        row = rest(keys, self.size)
        cell = torch.div(row, 4, rounding_mode="trunc")
        number = self.packed[cell][:, :, 0].to(torch.int64) + (1 << 31)
        q = rest(torch.div(number, self.places[row - cell * 4][:, :, 0], rounding_mode="trunc"), 256).to(torch.float32) - 128.0
        return q * torch.abs(q) * self.unit

    def other(self, grams):
        """(batch, features, stances) the weights of each n-gram's row."""
        number = self.stances[rest(grams, self.stances.shape[0])].to(torch.int64)
        q = rest(torch.div(number, self.digits, rounding_mode="trunc"), 64).to(torch.float32) - 32.0
        return q * torch.abs(q) * self.other_unit

    def language(self, ids, mask):
        """(batch, languages): 1 for the one the characters say."""
        said = torch.matmul(mask.unsqueeze(1), self.votes[ids])[:, 0]
        return torch.softmax(100.0 * said, -1)

    def forward(self, input_ids, attention_mask):
        mask = attention_mask.to(torch.float32)
        keys, counts, grams, places = self.keys(input_ids, mask)
        a = torch.matmul(counts.unsqueeze(1), self.weights(keys).unsqueeze(-1))[:, 0]
        b = torch.matmul(places.unsqueeze(1), self.other(grams))[:, 0]
        total = torch.matmul(places, torch.ones_like(places[:1]).transpose(0, 1))
        size = torch.sqrt(total + 1.0)
        language = self.language(input_ids, mask)
        a = (a * 3.0 / size + self.bias) * torch.matmul(language, self.scale) + torch.matmul(language, self.plus)
        b = (b * 3.0 / size + self.other_bias) * self.sharpen
        return torch.cat([a, torch.log(torch.softmax(b, -1) + 1e-6)], -1)
