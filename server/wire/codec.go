// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"haechi/rules/trust"
)

var (
	// ErrUnknown is a frame type that this version does not know: a client
	// passes over it, a server says bye.
	ErrUnknown = errors.New("unknown frame type")
	// ErrMalformed is a message that is no frame.
	ErrMalformed = errors.New("malformed frame")
)

func (Hello) kind() string     { return "hello" }
func (Head) kind() string      { return "head" }
func (Since) kind() string     { return "since" }
func (Full) kind() string      { return "full" }
func (Delta) kind() string     { return "delta" }
func (Snapshot) kind() string  { return "snapshot" }
func (Heartbeat) kind() string { return "heartbeat" }
func (Bye) kind() string       { return "bye" }

// Encode returns the bytes of a frame, without a newline.
func Encode(f Frame) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the canonical pack within a snapshot must stay as it is
	if err := e.Encode(f); err != nil {
		// Only a Snapshot whose Pack is not JSON gets here, which check refuses.
		panic(fmt.Sprintf("wire: %s: %v", f.kind(), err))
	}
	fields := bytes.TrimRight(b.Bytes(), "\n")[1:] // without the opening brace
	head := fmt.Sprintf(`{"type":%q`, f.kind())
	if len(fields) > 1 {
		head += ","
	}
	return append([]byte(head), fields...)
}

// Decode reads one frame and checks that its fields are there and in range.
func Decode(data []byte) (Frame, error) {
	if len(data) > MaxFrame {
		return nil, fmt.Errorf("wire: %w: %d bytes", ErrMalformed, len(data))
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("wire: %w: %w", ErrMalformed, err)
	}
	switch head.Type {
	case "hello":
		return decode[Hello](data)
	case "head":
		return decode[Head](data)
	case "since":
		return decode[Since](data)
	case "full":
		return decode[Full](data)
	case "delta":
		return decode[Delta](data)
	case "snapshot":
		return decode[Snapshot](data)
	case "heartbeat":
		return decode[Heartbeat](data)
	case "bye":
		return decode[Bye](data)
	}
	return nil, fmt.Errorf("wire: %w: %.40q", ErrUnknown, head.Type)
}

func decode[F Frame](data []byte) (Frame, error) {
	var f F
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("wire: %w: %s: %w", ErrMalformed, f.kind(), err)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("wire: %w: %s: %w", ErrMalformed, f.kind(), err)
	}
	return f, nil
}

func (f Hello) check() error {
	if f.Protocol < 1 {
		return errors.New("protocol missing")
	}
	return checkPosition(f.Sequence, f.Pack)
}

func (f Head) check() error      { return checkPosition(f.Sequence, f.Pack) }
func (f Since) check() error     { return checkPosition(f.Sequence, f.Pack) }
func (f Full) check() error      { return nil }
func (f Heartbeat) check() error { return nil }

func (f Delta) check() error {
	switch {
	case f.From >= f.To || f.To > trust.MaxSequence:
		return fmt.Errorf("from %d to %d", f.From, f.To)
	case f.Release == "":
		return errors.New("release missing")
	case f.Changes == nil:
		return errors.New("changes missing")
	}
	return nil
}

func (f Snapshot) check() error {
	switch {
	case f.Sequence > trust.MaxSequence:
		return fmt.Errorf("sequence %d", f.Sequence)
	case (f.Release == "") != (f.Sequence == 0):
		return errors.New("release: only sequence 0 has none")
	case len(f.Pack) == 0 || f.Pack[0] != '{':
		return errors.New("pack missing")
	}
	return nil
}

func (f Bye) check() error {
	if f.Code == "" || f.RetryMS < 0 {
		return errors.New("code or retry_ms")
	}
	return nil
}

func checkPosition(sequence uint64, pack string) error {
	if sequence > trust.MaxSequence {
		return fmt.Errorf("sequence %d", sequence)
	}
	if !trust.IsHash(pack) {
		return fmt.Errorf("pack %.70q is no hash", pack)
	}
	return nil
}
