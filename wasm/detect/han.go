// SPDX-License-Identifier: Apache-2.0

package detect

import _ "embed"

// hanVariants holds traditional characters, each followed by its simplified
// form; gen writes it from the Unicode Han Database.
//
//go:embed han.txt
var hanVariants string

const firstHan, lastHan = 0x4E00, 0x9FFF

// simplifiedHan maps a character of the main Han block, less firstHan, to its
// simplified form, less firstHan; 0 where it has none.
var simplifiedHan = func() (table [lastHan - firstHan + 1]uint16) {
	var from rune
	for _, r := range hanVariants {
		switch {
		case r == '\n':
		case from == 0:
			from = r
		default:
			table[from-firstHan] = uint16(r - firstHan)
			from = 0
		}
	}
	return table
}()

// simplified returns the simplified form of a Han character, or r itself: 高句麗
// in a Taiwanese, Japanese or Korean text is then the 高句丽 of a mainland one.
func simplified(r rune) rune {
	if r < firstHan || r > lastHan {
		return r
	}
	if to := simplifiedHan[r-firstHan]; to != 0 {
		return firstHan + rune(to)
	}
	return r
}
