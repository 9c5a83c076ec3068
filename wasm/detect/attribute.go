// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"regexp"
	"strings"
)

// labelled matches a line that is labelled as what somebody says: "Claim: …",
// 오해: …, 俗説：…, 网传：….
var labelled = regexp.MustCompile(`^[^\pL\pN]*(?:the |common |popular |false |흔한 |잘못된 |よくある|常见)?` +
	`(?:claims?|myths?|misconceptions?|rumou?rs?|hoax|fake news|allegation|주장|오해|통념|속설|미신|소문|괴담|낭설|가짜 ?뉴스|루머|` +
	`主张|誤解|误解|俗説|俗说|噂|デマ|嘘|うそ|迷信|通説|网传|网络传言|网络谣言|谣言|流言|误区|传言|谬误)` +
	`[ \d一二三四五六七八九①-⑨]{0,4}[^\pL\pN:]{0,4}[:：→]`)

// Words in a heading or lead-in that give what follows to a party.
var (
	party = regexp.MustCompile(`\b(?:chin(?:a|ese)|beijing|japan(?:ese)?|tokyo|(?:north |south )?korean?s?|pyongyang|seoul|dprk|scholars?|historians?|nationalists?|deni(?:ers|alists?)|` +
		`revisionists?|supporters|proponents|advocates|critics|governments?|sides?|netizens|officials?|academi(?:cs|a)|activists|ministry|prosecutors?|comments?)\b|` +
		`중국|일본|북한|한국|정부|측|학계|학자|우익|극우|일부|누리꾼|네티즌|부정론|옹호|지지|비판|논자|재야|당국|검찰|댓글|` +
		`中国|日本|北朝鲜|朝鲜|韩国|政府|侧|学界|学者|右派|右翼|一部|部分|ネット|否定|肯定|支持|批判|论者|官方|网民|网友|一些|某些|双方|各方|检察|検察|コメント|网络|评论区`)
	position = regexp.MustCompile(`\b(?:positions?|textbooks?|views?|claims?(?: that| about| made|[ :]*$)|claimed|arguments?|stances?|perspectives?|narratives?|argues?|argued|maintains?|contends?|asserts?|alleges?|says?|version|line|justifications?|charges)(?:\b|$)|` +
		`입장|주장|견해|시각|관점|논리|논거|서술|설명하는|논고|댓글|역사관|교과서|` +
		`主张|立场|见解|见方|言い分|论拠|论据|観点|观点|看法|说法|论点|[^误被]认为|声称|叙述|说辞|论告|流言|谣言|言论|课本|教科书|歴史観|历史观|の声`)
)

// comments matches a heading over what readers left: nobody's facts.
var comments = regexp.MustCompile(`\bcomments\b|댓글|コメント|评论区|热评`)

// attributed reports whether a folded heading, lead-in or table header gives
// what stands under it to a party: "Japan's position", 중국 측 주장, 中国学界的观点.
func attributed(heading string) bool {
	return heading != "" && !strings.HasSuffix(heading, "?") && (comments.MatchString(heading) || party.MatchString(heading) && position.MatchString(heading))
}

// quoted reports whether a folded sentence is nothing but a quotation.
func quoted(s string) bool {
	s = strings.TrimRight(s, " .。")
	for _, q := range [][2]string{{"\"", "\""}, {"“", "”"}, {"「", "」"}, {"『", "』"}, {"‘", "’"}} {
		if strings.HasPrefix(s, q[0]) && strings.HasSuffix(s, q[1]) && len(s) > 12 {
			inner := s[len(q[0]) : len(s)-len(q[1])]
			return !strings.Contains(inner, q[0]) && !strings.Contains(inner, q[1])
		}
	}
	return false
}
