// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"math/rand/v2"
)

// stances are the labels besides asserts.
const stances = 5

// sample is what the learner sees of one input.
type sample struct {
	features
	flags  bool
	weight float32
	stance int // index of the label among those besides asserts; -1: not to learn from
}

// network is linear in the features: a weight for each row of the flag's table,
// five for each of the stances'.
type network struct {
	flag, other []float32
	bias        float32
	otherBias   [stances]float32
}

func newNetwork(d *design) *network {
	return &network{flag: make([]float32, d.rows), other: make([]float32, stances*d.others)}
}

const rate = 0.05

// weight is one while it is learnt, with the sum of its squared gradients
// beside it: both are in reach at one look into memory.
type weight struct{ now, squares float32 }

func (w *weight) down(g float32) {
	w.squares += g * g
	w.now -= rate * g / float32(math.Sqrt(float64(w.squares)+1e-10))
}

// learner is a network as it learns.
type learner struct {
	flag      []weight
	other     [][stances]weight
	bias      weight
	otherBias [stances]weight
}

// learn trains by Adagrad (Duchi et al. 2011), an input at a time: with tables
// as sparse as these a batch would blur what the rare rows have to say. The
// weights are the mean over the ends of the later epochs (Polyak and Juditsky
// 1992), so that little depends on the order of the inputs.
func learn(d *design, samples []sample, epochs int) *network {
	now, mean := &learner{flag: make([]weight, d.rows), other: make([][stances]weight, d.others)}, newNetwork(d)
	order := make([]int, len(samples))
	for i := range order {
		order[i] = i
	}
	shuffle := rand.New(rand.NewPCG(1, 1))
	kept := float32(0)
	for epoch := range epochs {
		shuffle.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			now.step(&samples[i])
		}
		if epoch >= epochs/3 {
			kept++
			mean.add(now)
		}
	}
	mean.divide(kept)
	return mean
}

func (l *learner) step(s *sample) {
	y, z := float32(0), float32(0)
	if s.flags {
		y = 1
	}
	for _, r := range s.flag {
		z += l.flag[r].now
	}
	g := (float32(1/(1+math.Exp(-float64(z*s.scale+l.bias.now)))) - y) * s.weight
	for _, r := range s.flag {
		l.flag[r].down(g * s.scale)
	}
	l.bias.down(g)
	if s.stance < 0 {
		return
	}
	var p [stances]float32
	for _, r := range s.other {
		for k := range p {
			p[k] += l.other[r][k].now
		}
	}
	for k := range p {
		p[k] = p[k]*s.scale + l.otherBias[k].now
	}
	p = softmax(p)
	p[s.stance]--
	for _, r := range s.other {
		for k := range p {
			l.other[r][k].down(p[k] * s.scale)
		}
	}
	for k := range p {
		l.otherBias[k].down(p[k])
	}
}

func (w *network) asserts(f features) float32 {
	z := float32(0)
	for _, r := range f.flag {
		z += w.flag[r]
	}
	return z*f.scale + w.bias
}

func (w *network) others(f features) [stances]float32 {
	var z [stances]float32
	for _, r := range f.other {
		for k := range z {
			z[k] += w.other[stances*int(r)+k]
		}
	}
	for k := range z {
		z[k] = z[k]*f.scale + w.otherBias[k]
	}
	return z
}

func softmax(z [stances]float32) [stances]float32 {
	top, sum := z[0], float32(0)
	for _, x := range z {
		top = max(top, x)
	}
	for k, x := range z {
		z[k] = float32(math.Exp(float64(x - top)))
		sum += z[k]
	}
	for k := range z {
		z[k] /= sum
	}
	return z
}

// logits are what the ONNX graph gives: the log-odds of asserts, then the
// log-probabilities of the other stances.
func (w *network) logits(f features) [1 + stances]float32 {
	out := [1 + stances]float32{w.asserts(f)}
	for k, p := range softmax(w.others(f)) {
		out[1+k] = float32(math.Log(float64(p) + 1e-6))
	}
	return out
}

func (w *network) add(l *learner) {
	for i, x := range l.flag {
		w.flag[i] += x.now
	}
	for i, x := range l.other {
		for k := range x {
			w.other[stances*i+k] += x[k].now
		}
	}
	w.bias += l.bias.now
	for k, x := range l.otherBias {
		w.otherBias[k] += x.now
	}
}

func (w *network) divide(by float32) {
	for i := range w.flag {
		w.flag[i] /= by
	}
	for i := range w.other {
		w.other[i] /= by
	}
	w.bias /= by
	for k := range w.otherBias {
		w.otherBias[k] /= by
	}
}

// What a quantised weight may be on either side of zero: a byte holds one of the
// flag, six bits one of the other stances.
const (
	flagSteps  = 127
	otherSteps = 31
)

// quantise rounds weights to sign · unit · q², q in 0 … steps, so that few bits
// hold each, and the many small ones are told apart. It returns q with its sign,
// and the unit.
func quantise(weights []float32, steps float64) (q []int8, unit float32) {
	most := 0.0
	for _, x := range weights {
		most = max(most, math.Abs(float64(x)))
	}
	unit = float32(most / (steps * steps))
	q = make([]int8, len(weights))
	if unit == 0 {
		return q, unit
	}
	for i, x := range weights {
		k := math.Round(math.Sqrt(math.Abs(float64(x) / float64(unit))))
		if x < 0 {
			k = -k
		}
		q[i] = int8(k)
		weights[i] = float32(k*math.Abs(k)) * unit
	}
	return q, unit
}
