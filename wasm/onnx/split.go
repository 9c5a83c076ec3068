// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"slices"
)

// splitInto cuts a tensor along an axis into as many as the node has outputs.
func splitInto(_ *builder, n *node) (kernel, error) {
	at := n.integer("axis", 0)
	n.gives = slices.Repeat(n.types[:1], max(n.outputs, 1))
	return pick(n.types[0], divided[float32](at), divided[float64](at), divided[int32](at), divided[int64](at), divided[bool](at)), nil
}

func divided[T element](at int64) kernel {
	return func(m *Model, s *step) error {
		a := m.input(s, 0)
		k, err := axis(at, len(a.Shape))
		if err != nil {
			return err
		}
		var buffer [maxRank]int64
		var sizes []int64
		if given := m.input(s, 1); given != nil {
			if sizes, err = integers(given, &buffer); err != nil {
				return err
			}
			if len(sizes) != len(s.out) {
				return fmt.Errorf("%d sizes for %d outputs", len(sizes), len(s.out))
			}
		} else if a.Shape[k]%len(s.out) != 0 {
			return fmt.Errorf("%d is not divided evenly by %d outputs", a.Shape[k], len(s.out))
		}
		src := *data[T](&a.Tensor)
		outer, inner := around(a.Shape, k)
		from, width := 0, a.Shape[k]*inner
		for i, o := range s.out {
			v := &m.values[o]
			v.shape(a.Shape)
			v.Shape[k] = a.Shape[k] / len(s.out)
			if sizes != nil {
				if v.Shape[k], err = dimension(sizes[i]); err != nil {
					return err
				}
			}
			n := v.Shape[k] * inner
			if from+n > width {
				return fmt.Errorf("the sizes exceed %d", a.Shape[k])
			}
			if outer == 1 {
				v.show(a, from, n)
			} else {
				dst, err := create[T](m, v)
				if err != nil {
					return err
				}
				for o := range outer {
					copy(dst[o*n:(o+1)*n], src[o*width+from:])
				}
			}
			from += n
		}
		if from != width {
			return fmt.Errorf("the sizes do not add up to %d", a.Shape[k])
		}
		return nil
	}
}
