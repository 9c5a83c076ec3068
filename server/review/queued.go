// SPDX-License-Identifier: Apache-2.0

package review

import "time"

// Queued is a report that was taken in elsewhere and is on its way to the desk.
// It goes by the hash of its receipt; the code itself is its sender's alone.
type Queued struct {
	Receipt  string    `json:"receipt"`
	Report   Report    `json:"report"`
	Received time.Time `json:"received"`
	Expires  time.Time `json:"expires"`
}

// Enqueue checks a citizen's report and returns it as it is sent to the desk, with
// the receipt that he gets once it is on its way for good. Nothing is kept here.
func (d *Desk) Enqueue(r Report) (Queued, Receipt, error) {
	if err := r.check(); err != nil {
		return Queued{}, Receipt{}, err
	}
	t := d.ticket()
	return Queued{Receipt: t.hash, Report: r, Received: t.received, Expires: t.Expires}, t.Receipt, nil
}

// TakeQueued keeps a report from a queue, once, however often the queue brings
// it. forget names reports that it brings no more. With an error the report
// stays the queue's. That the report is valid was checked by Enqueue: its sender
// has the receipt.
func (d *Desk) TakeQueued(q Queued, forget []string) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	d.mu.RLock()
	room := d.maxCases - len(d.index.list)
	d.mu.RUnlock()
	var changed *Case
	err := d.storage.Update(func(w Writer) error {
		for _, receipt := range forget {
			if err := w.Delete(keyQueued + receipt); err != nil {
				return err
			}
		}
		if there, err := w.Get(keyQueued + q.Receipt); err != nil || there != nil {
			return err
		}
		under := ticket{Receipt: Receipt{Expires: q.Expires}, hash: q.Receipt, received: q.Received}
		c, _, err := d.takeOne(w, OriginCitizen, q.Report, under, room)
		if err != nil {
			return err
		}
		changed = c
		return w.Put(keyQueued+q.Receipt, []byte{1})
	})
	if err != nil {
		return err
	}
	if changed != nil {
		d.remember(changed)
	}
	return nil
}
