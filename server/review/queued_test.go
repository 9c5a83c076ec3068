// SPDX-License-Identifier: Apache-2.0

package review_test

import (
	"errors"
	"testing"

	"haechi/server/review"
)

// A queue may bring a report again, as long as nobody told it that the desk has
// it; the desk keeps it once, even when its sender has deleted it meanwhile.
func TestAQueuedReportIsKeptOnce(t *testing.T) {
	d := newDesk(t)
	q, receipt, err := d.Enqueue(kimchi(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Status(receipt.Code); !errors.Is(err, review.ErrNotFound) {
		t.Errorf("before it has arrived: %v", err)
	}
	for range 3 {
		if err := d.TakeQueued(q, nil); err != nil {
			t.Fatal(err)
		}
	}
	if status, err := d.Status(receipt.Code); err != nil || !status.Expires.Equal(receipt.Expires) {
		t.Errorf("%+v, %v; want %v", status, err, receipt.Expires)
	}
	viewer := d.person(t, "vera", review.Viewer)
	p, err := d.Queue(viewer, review.Filter{}, 0)
	if err != nil || p.Total != 1 {
		t.Fatalf("%+v %v", p, err)
	}
	if c, err := d.Case(viewer, p.Rows[0].ID); err != nil || c.Reports != 1 {
		t.Errorf("%+v %v", c, err)
	}
	if err := d.Delete(receipt.Code); err != nil {
		t.Fatal(err)
	}
	if err := d.TakeQueued(q, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Status(receipt.Code); !errors.Is(err, review.ErrNotFound) {
		t.Errorf("what was deleted came back: %v", err)
	}
	other, otherReceipt, err := d.Enqueue(kimchi(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.TakeQueued(other, []string{q.Receipt}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Status(otherReceipt.Code); err != nil {
		t.Error(err)
	}
}

func TestAnInvalidReportIsNotQueued(t *testing.T) {
	d := newDesk(t)
	bad := kimchi(1)
	bad.Excerpt, bad.Sentence = "", ""
	var invalid *review.Invalid
	if _, receipt, err := d.Enqueue(bad); !errors.As(err, &invalid) || receipt.Code != "" {
		t.Errorf("%v, %q", err, receipt.Code)
	}
}
