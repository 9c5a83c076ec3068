// SPDX-License-Identifier: Apache-2.0

package hub

// Events are told what happens to a hub's clients, for counting. The hub calls
// them from the one goroutine that serves everybody, so they must not wait. A
// nil one is not called.
type Events struct {
	Hello func()            // a client has said hello
	Head  func(clients int) // a new head was announced to so many clients
	Bye   func(code string) // a client was told bye
}

func (e Events) hello() {
	if e.Hello != nil {
		e.Hello()
	}
}

func (e Events) head(clients int) {
	if e.Head != nil {
		e.Head(clients)
	}
}

func (e Events) bye(code string) {
	if e.Bye != nil {
		e.Bye(code)
	}
}
