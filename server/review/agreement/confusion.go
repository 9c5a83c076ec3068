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
	for i, row := range c.Rows {
		if j := slices.Index(c.Columns, row); j >= 0 {
			n += c.Counts[i][j]
		}
	}
	return n
}

// meeting is one pair of verdicts.
type meeting struct{ row, column string }

func confuse(met []meeting) Confusion {
	c := Confusion{Rows: []string{}, Columns: []string{}, Counts: [][]int{}}
	for _, m := range met {
		c.Rows, c.Columns = append(c.Rows, m.row), append(c.Columns, m.column)
	}
	slices.Sort(c.Rows)
	slices.Sort(c.Columns)
	c.Rows, c.Columns = slices.Compact(c.Rows), slices.Compact(c.Columns)
	for range c.Rows {
		c.Counts = append(c.Counts, make([]int, len(c.Columns)))
	}
	for _, m := range met {
		c.Counts[index(c.Rows, m.row)][index(c.Columns, m.column)]++
	}
	return c
}

// pairs meets every two verdicts on an item once, the one that sorts first as
// the row: reviewers have no order here.
func pairs(js []Judgement) Confusion {
	var met []meeting
	for _, item := range byItem(js) {
		for i, a := range item {
			for _, b := range item[i+1:] {
				met = append(met, meeting{min(a.Verdict, b.Verdict), max(a.Verdict, b.Verdict)})
			}
		}
	}
	return confuse(met)
}

// against meets one reviewer's verdicts (rows) with every other verdict on the
// same item (columns).
func against(js []Judgement, who string) Confusion {
	var met []meeting
	for _, item := range byItem(js) {
		i := slices.IndexFunc(item, func(j Judgement) bool { return j.Reviewer == who })
		if i < 0 {
			continue
		}
		for k, other := range item {
			if k != i {
				met = append(met, meeting{item[i].Verdict, other.Verdict})
			}
		}
	}
	return confuse(met)
}

// settledBy meets one reviewer's judgements (rows) with what the items were
// settled as (columns).
func settledBy(js []Judgement, settled map[string]string) Confusion {
	var met []meeting
	for _, j := range js {
		if v := settled[j.Item]; v != "" {
			met = append(met, meeting{j.Verdict, v})
		}
	}
	return confuse(met)
}
