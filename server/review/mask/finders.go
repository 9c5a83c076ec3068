// SPDX-License-Identifier: Apache-2.0

package mask

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// finder knows one form. Go and JavaScript read the patterns alike but for
// \p{…}, which JavaScript takes with the flag u.
type finder struct {
	kind    Kind
	pattern *regexp.Regexp // its first group is what is masked
	accept  func(f *folded, start, end int) bool
}

// kindOf tells a foreigner's number from a resident's by its seventh digit.
func (d *finder) kindOf(match string) Kind {
	if d.kind != Resident {
		return d.kind
	}
	if seventh := strings.TrimLeft(match[6:], " -")[0]; seventh >= '5' && seventh <= '8' {
		return Foreigner
	}
	return Resident
}

func form(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

func always(*folded, int, int) bool { return true }

// unmasked accepts a user that is not masked yet.
func unmasked(f *folded, start, end int) bool { return f.text[start:end] != "["+string(User)+"]" }

// phone accepts a number that is no ISBN and not part of an address's path.
func phone(f *folded, start, end int) bool { return !f.isbn(start) && !f.inPath(start) }

// finders in the order in which they look.
var finders = []finder{
	{User, form(`(?i)[a-z][a-z0-9+.\-]{0,20}://([^\s/?#@]{1,200}(?:@[^\s/?#@]{1,200})*)@`), unmasked},
	{Email, form(`(?i)((?:[a-z0-9._%+'\-]{1,64}|[\p{Hangul}\p{Han}\p{Hiragana}\p{Katakana}]{1,64})(?:@|\s?[\[(]\s?(?:at|@|골뱅이)\s?[\])]\s?|\s?골뱅이\s?)(?:[a-z0-9][a-z0-9\-]{0,62}\.){1,8}[a-z]{2,24})`), always},
	{IP, form(`((?:[0-9]{1,3}\.){3}[0-9]{1,3})`), address},
	{IP, form(`(?i)([0-9a-f]{0,4}:[0-9a-f:]{1,40}(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3})?)`), address},

	{Resident, form(`([0-9]{6}(?: ?- ?| )?[0-9](?:[0-9]{6}|\*{6}))`), birth},
	{Card, form(`([0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{1,3})`), card},
	{Card, form(`([0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4})`), card}, // a year may stand behind it
	{Card, form(`(3[0-9]{3}[ -]?[0-9]{6}[ -]?[0-9]{4,5})`), card},

	// Korea: mobile, Internet and personal numbers; then regions.
	{Phone, form(`((?:\+|00)?82[-. ]?(?:\(0\)|0)?[-. ]?1[016789][-. ]?[0-9]{3,4}[-. ]?[0-9]{4})`), phone},
	{Phone, form(`((?:\+|00)82[-. ]?(?:\(0\)|0)?[-. ]?(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|50[2-8]?)[-. ]?[0-9]{3,4}[-. ]?[0-9]{4})`), phone},
	{Phone, form(`(\(?01[016789](?:\) ?|[-. ]| - )?[0-9]{3,4}(?:[-. ]| - )?[0-9]{4})`), phone},
	{Phone, form(`(\(?0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4])(?:(?:\) ?|[-. ]| - )[0-9]{3,4}(?:[-. ]| - )|[2-9][0-9]{2,3})[0-9]{4})`), phone},
	{Phone, form(`(\(?0(?:70|50[2-8])(?:\) ?|[-. ]| - )?[0-9]{3,4}(?:[-. ]| - )?[0-9]{4})`), phone},
	// China: mobile, then regions; before Japan, whose regions are shorter.
	{Phone, form(`((?:(?:\+|00)?86[-. ]?)?1[3-9][0-9][-. ]?[0-9]{4}[-. ]?[0-9]{4})`), phone},
	{Phone, form(`((?:(?:\+|00)86[-. ]?0?|\(?0)(?:10|2[0-9]|[3-9][0-9]{2})(?:\) ?|[- ])[2-9][0-9]{2,3}[- ]?[0-9]{4})`), phone},
	// Japan: abroad, mobile with and without hyphens, regions with them.
	{Phone, form(`((?:\+|00)81[-. ]?(?:\(0\)|0)?[0-9]{1,4}[-. ]?[0-9]{1,4}[-. ]?[0-9]{4})`), phone},
	{Phone, form(`(0[789]0[-. ]?[0-9]{4}[-. ]?[0-9]{4})`), phone},
	{Phone, form(`(\(?0[1-9](?:\) ?|-)[0-9]{4}-[0-9]{4}|\(?0[1-9][0-9](?:\) ?|-)[0-9]{3}-[0-9]{4}|\(?0[1-9][0-9]{2}(?:\) ?|-)[0-9]{2}-[0-9]{4}|\(?0[1-9][0-9]{3}(?:\) ?|-)[0-9]-[0-9]{4})`), private},
	// North America, and any other number that names its country.
	{Phone, form(`((?:\+?1[-. ]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[-.])[2-9][0-9]{2}[-. ][0-9]{4})`), phone},
	{Phone, form(`(\+1[-. ]?[2-9][0-9]{2}[-. ]?[2-9][0-9]{2}[-. ]?[0-9]{4})`), phone},
	{Phone, form(`(\+[1-9][0-9]{0,2}(?:[-. ]?\(?[0-9]{1,5}\)?){2,6})`), abroad},

	{Passport, form(`([MSRODG][0-9]{8}|M[0-9]{3}[A-Z][0-9]{4})`), korean},
	{Passport, form(`([A-Z]{1,2}[0-9]{7,8}|[0-9]{9})`), named},

	// Who says his name, or is greeted by it; a name alone may be history.
	{Name, form(`(?:제|내|저의|나의|본인) ?이름은 ?([가-힣]{2,4}?)(?:이고|이며|입니다|이에요|예요|이야|야|라고|이라고|[,. \n!])`), always},
	{Name, form(`(?:저는|나는|난|전) ([가-힣]{2,4}?)이?라고 (?:합니다|해요|불러)`), ownName},
	{Name, form(`저는 (` + family + `[가-힣]{2})(?:입니다|이에요|예요)`), ownName},
	{Name, form(`(` + family + `[가-힣]{2})(?: ?님| 씨)`), addressed},
	{Name, form(`([가-힣]{2,3})님[,!]`), greeted},
	{Name, form(`(?:[Mm]y name is|[Mm]y name's|[Pp]lease call me) ([A-Z][A-Za-z'\-]{0,30}(?: [A-Z][A-Za-z'\-]{0,30}){0,2})`), always},
	{Name, form(`(?:Dear|Hi|Hello|Hey),? ([A-Z][a-z'\-]{1,30}(?: [A-Z][a-z'\-]{1,30})?)[,!]`), always},
	{Name, form(`(?:私|わたし|僕|ぼく|俺)の名前は、?([\p{Han}\p{Hiragana}\p{Katakana}\-]{2,12}?)(?:です|だ|と申します|といいます|と言います)`), always},
	{Name, form(`(\p{Han}{2,5})と申します`), always},
	{Name, form(`(?:我叫|我名叫|我的名字是|我的名字叫)(\p{Han}{2,4}?)[,。.!、; \n]`), always},
}

// family is the first syllable of most Korean names.
const family = `[김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연표명기반왕금옥인맹제모탁국]`

// noName are words of three syllables or fewer that begin like a name and are
// said of oneself or before 님.
var noName = strings.Fields("한국인 조선인 전문가 연구원 공무원 유학생 신입생 남학생 여학생 회사원 이용자 구독자 방문자 지원자 신청자 조교수 유튜버 주인공 선생 선생님 고객 고객님 회원 여러분 부모 임금 장군 대왕 교수 사장 하느 하나 스승 아버 어머 대통령 의원 사용자 담당자 관리자")

func ownName(f *folded, start, end int) bool { return !slices.Contains(noName, f.text[start:end]) }

// addressed accepts a word of its own: 대왕김민수님 names no one.
func addressed(f *folded, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(f.text[:start])
	return ownName(f, start, end) && (before < '가' || before > '힣')
}

// greeted accepts what begins a line or follows a greeting.
func greeted(f *folded, start, end int) bool {
	lead := strings.TrimRight(f.lead(start), " ,!.")
	return ownName(f, start, end) && (lead == "" || strings.HasSuffix(lead, "\n") || strings.HasSuffix(lead, "안녕하세요") || strings.HasSuffix(lead, "반갑습니다"))
}

// address accepts an IP address of someone: no loopback or unspecified one, no
// version or section number, no C++ name.
func address(f *folded, start, end int) bool {
	match := f.text[start:end]
	a, err := netip.ParseAddr(match)
	if err != nil || a.IsLoopback() || a.IsUnspecified() {
		return false
	}
	if a.Is4() {
		return !f.follows(start, "version", "ver", "ver.", "v", "버전", "판", "版", "section", "§", "절")
	}
	return strings.ContainsAny(match, "0123456789") && strings.Count(match, ":") > 1 && len(match) > 6
}

// birth accepts a registration number whose first six digits are a day. Its last
// digit checks the others only in numbers given out before October 2020, so it
// proves nothing; thirteen digits that pass for a day are masked all the same.
// An ISBN never does: its fourth digit makes a month above 12.
func birth(f *folded, start, end int) bool {
	match := f.text[start:end]
	seventh := strings.TrimLeft(match[6:], " -")[0]
	century := map[byte]string{'1': "19", '2': "19", '5': "19", '6': "19", '3': "20", '4': "20", '7': "20", '8': "20", '9': "18", '0': "18"}[seventh]
	_, err := time.Parse("20060102", century+match[:6])
	return err == nil && !f.inPath(start)
}

// card accepts what begins like a card, is as long as its kind is and passes
// Luhn's check.
func card(f *folded, start, end int) bool {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(f.text[start:end])
	n, two := len(digits), digits[:2]
	switch {
	case digits[0] == '4' || digits[0] == '5' || digits[0] == '6':
		// Visa; Mastercard and Maestro; UnionPay, Discover
	case two == "35" || digits[0] == '9': // JCB; Korea's own
		if n != 16 {
			return false
		}
	case two == "34" || two == "37":
		if n != 15 {
			return false
		}
	case two == "30" || two == "36" || two == "38" || two == "39":
		if n != 14 && n != 16 {
			return false
		}
	case digits[:4] >= "2221" && digits[:4] <= "2720":
		if n != 16 {
			return false
		}
	default:
		return false
	}
	sum := 0
	for i := range digits {
		d := int(digits[n-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0 && !f.isbn(start) && !f.inPath(start)
}

// private accepts a Japanese number that is not free of charge, as companies' are.
func private(f *folded, start, end int) bool {
	number := strings.TrimPrefix(f.text[start:end], "(")
	return !strings.HasPrefix(number, "0120") && !strings.HasPrefix(number, "0800") && !strings.HasPrefix(number, "080") && phone(f, start, end)
}

// abroad accepts 8 digits or more behind a plus sign. E.164 allows 15; more may
// be a number with a year behind it, and is masked whole.
func abroad(f *folded, start, end int) bool {
	n := 0
	for i := start; i < end; i++ {
		if digit(f.text[i]) {
			n++
		}
	}
	return n >= 8 && phone(f, start, end)
}

// korean accepts a Korean passport number: one that could be a date's code only
// where a passport is spoken of.
func korean(f *folded, start, end int) bool {
	if _, err := time.Parse("20060102", f.text[start+1:end]); err == nil {
		return named(f, start, end)
	}
	return !f.inPath(start)
}

// named accepts another country's passport number beside the word.
func named(f *folded, start, end int) bool {
	return f.near(start, "여권", "passport", "护照", "護照", "旅券", "パスポート", "パスポ-ト") && !f.inPath(start)
}
