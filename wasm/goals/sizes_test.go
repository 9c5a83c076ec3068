// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"testing"
)

// TestSizesAreWithinTheirBudgets: of what the last build left.
func TestSizesAreWithinTheirBudgets(t *testing.T) {
	now, err := sizesIn("../../dist")
	if err != nil {
		t.Fatal(err)
	}
	most := budget.named()
	for i, x := range now.named() {
		if x.bytes == 0 || x.bytes > most[i].bytes {
			t.Errorf("%s: %d bytes; the budget is %d", x.name, x.bytes, most[i].bytes)
		}
	}
	var before sizes
	if err := json.Unmarshal(recorded, &before); err != nil || before.Wasm == 0 {
		t.Errorf("sizes.json: %+v, %v", before, err)
	}
}

// TestARowHoldsOnTheRightSide of its goal.
func TestARowHoldsOnTheRightSide(t *testing.T) {
	for _, c := range []struct {
		row  row
		want bool
	}{
		{row{Figure: 3, Goal: 4}, true}, {row{Figure: 4, Goal: 4}, true}, {row{Figure: 5, Goal: 4}, false},
		{row{Figure: 3, Goal: 4, AtLeast: true}, false}, {row{Figure: 4, Goal: 4, AtLeast: true}, true}, {row{Figure: 5, Goal: 4, AtLeast: true}, true},
	} {
		if got := c.row.holds(); got != c.want {
			t.Errorf("%+v holds: %v", c.row, got)
		}
	}
}
