// SPDX-License-Identifier: Apache-2.0

package review

import "slices"

// Role says what a person may do. Each may do what those before it may.
type Role string

const (
	Viewer      Role = "viewer"
	Reviewer    Role = "reviewer"
	Adjudicator Role = "adjudicator"
	Maintainer  Role = "maintainer"
	Admin       Role = "admin"
)

// Roles are all roles, the one with the fewest rights first.
var Roles = []Role{Viewer, Reviewer, Adjudicator, Maintainer, Admin}

// Action is something that not everybody may do.
type Action string

const (
	See        Action = "see"        // the queue, cases and what was settled
	Judge      Action = "judge"      // give and undo one's own verdicts
	Import     Action = "import"     // bring in a class's answers
	Adjudicate Action = "adjudicate" // settle where two disagree
	Assign     Action = "assign"     // give cases to people
	Publish    Action = "publish"    // publish, sign off, withdraw; see the rules' record
	Staff      Action = "staff"      // invite people, change roles, shut accounts
)

var least = map[Action]Role{
	See: Viewer, Judge: Reviewer, Import: Reviewer, Adjudicate: Adjudicator, Assign: Adjudicator,
	Publish: Maintainer, Staff: Admin,
}

// Known says whether r is one of Roles.
func (r Role) Known() bool { return slices.Contains(Roles, r) }

// May says whether r has the right to a.
func (r Role) May(a Action) bool {
	needed, ok := least[a]
	return ok && r.Known() && slices.Index(Roles, r) >= slices.Index(Roles, needed)
}
