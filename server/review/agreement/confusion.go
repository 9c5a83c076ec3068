// SPDX-License-Identifier: Apache-2.0

package agreement

import "slices"

// Confusion counts which verdict met which: Counts[i][j] is how often Rows[i]
// met Columns[j]. Both are sorted.
type Confusion struct {
	Rows    []string `json:"rows"`
	Columns []string `json:"columns"`
	Counts  [][]int  `json:"counts"`
}

// Total is the number of meetings, Agreed of those where both were the same.
func (c Confusion) Total() int {
	n := 0
	for _, row := range c.Counts {
		n += sum(row)
	}
	return n
}

// Agreed is the number of meetings of a verdict with itself.
func (c Confusion) Agreed() int {
	n := 0
	for _, v := range c.Rows {
		n += c.Of(v, v)
	}
	return n
}

// Of is how often a row met a column.
func (c Confusion) Of(row, column string) int {
	i, j := slices.Index(c.Rows, row), slices.Index(c.Columns, column)
	if i < 0 || j < 0 {
		return 0
	}
	return c.Counts[i][j]
}

func confuse(met meetings) Confusion {
	c := Confusion{Rows: []string{}, Columns: []string{}, Counts: [][]int{}}
	for m := range met {
		c.Rows, c.Columns = append(c.Rows, m.row), append(c.Columns, m.column)
	}
	slices.Sort(c.Rows)
	slices.Sort(c.Columns)
	c.Rows, c.Columns = slices.Compact(c.Rows), slices.Compact(c.Columns)
	for range c.Rows {
		c.Counts = append(c.Counts, make([]int, len(c.Columns)))
	}
	for m, n := range met {
		c.Counts[index(c.Rows, m.row)][index(c.Columns, m.column)] += n
	}
	return c
}

// confusion meets every two verdicts on an item once, the one that sorts first
// as the row: reviewers have no order here.
func (c counts) confusion() Confusion {
	met := meetings{}
	for _, k := range c.kinds {
		for i, a := range k.row {
			if same := a * (a - 1) / 2; same > 0 {
				met[meeting{c.verdicts[i], c.verdicts[i]}] += same * k.times
			}
			for j := i + 1; j < len(k.row); j++ {
				if b := k.row[j]; a*b > 0 {
					met[meeting{c.verdicts[i], c.verdicts[j]}] += a * b * k.times
				}
			}
		}
	}
	return confuse(met)
}

// against meets one reviewer's verdicts (rows) with every other verdict on the
// same item (columns).
func against(pairs map[[2]string]meetings, who string) Confusion {
	met := meetings{}
	for names, ms := range pairs {
		for m, n := range ms {
			if names[0] == who {
				met[m] += n
			}
			if names[1] == who {
				met[meeting{m.column, m.row}] += n
			}
		}
	}
	return confuse(met)
}

// outcomes meets one reviewer's judgements (rows) with what the items were
// settled as (columns).
func (t *Tally) outcomes(reviewer int32) Confusion {
	met := meetings{}
	for s, n := range t.settled {
		if s.reviewer == reviewer {
			met[meeting{t.verdicts.list[s.verdict], t.verdicts.list[s.outcome]}] += n
		}
	}
	return confuse(met)
}
