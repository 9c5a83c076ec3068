// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Origins are the ids of the Chrome extensions that may open sockets; empty
// means any. Firefox draws an extension's origin anew for each profile, so it
// cannot be pinned.
//
// Programs that are no browsers may always: a browser always names the page's
// origin. Pages never may, those on this machine included: any page a user
// visits could otherwise hold sockets open here.
type Origins []string

// Check says which id cannot be one of a Chrome extension.
func (o Origins) Check() error {
	for _, id := range o {
		if len(id) != 32 || strings.Trim(id, "abcdefghijklmnop") != "" {
			return fmt.Errorf("%q is no Chrome extension id; give the 32 letters a to p that chrome://extensions shows", id)
		}
	}
	return nil
}

// Allow says whether a request comes from no browser, or from an extension that
// may.
func (o Origins) Allow(r *http.Request) bool {
	for _, origin := range r.Header.Values("Origin") {
		scheme, id, _ := strings.Cut(origin, "://")
		switch {
		case id == "" || strings.Contains(id, "/"):
			return false
		case scheme == "moz-extension":
		case scheme == "chrome-extension" && (len(o) == 0 || slices.Contains(o, id)):
		default:
			return false
		}
	}
	return true
}

// household is the address that a connection counts for: one IPv4 address or
// one IPv6 /64, which is what one customer gets.
func household(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{} // all of unknown origin together
	}
	address := at.Addr().Unmap().WithZone("")
	if address.Is6() && !address.IsLoopback() {
		if p, err := address.Prefix(64); err == nil {
			address = p.Addr()
		}
	}
	return address
}
