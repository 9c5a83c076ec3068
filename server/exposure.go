// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// private returns an error if other machines could reach addr. A name that
// cannot be looked up is left to whoever listens on it.
func private(addr string) error {
	at, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil || at.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--addr %s can be reached from other machines, and what goes over it is not encrypted; give --cert and --key, or --behind-proxy where a proxy with TLS stands in front, or --insecure on a network that you trust", addr)
}

// loopback is where a proxy stands unless --proxy says otherwise.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// parseProxies reads the values of --proxy: addresses or CIDR ranges.
func parseProxies(values []string) ([]netip.Prefix, error) {
	if len(values) == 0 {
		return loopback, nil
	}
	var out []netip.Prefix
	for _, v := range values {
		p, err := netip.ParsePrefix(v)
		if err != nil {
			a, addrErr := netip.ParseAddr(v)
			if addrErr != nil {
				return nil, fmt.Errorf("--proxy %q is no address and no range such as 10.0.0.0/8", v)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}

func among(a netip.Addr, ranges []netip.Prefix) bool {
	for _, p := range ranges {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// clientOf is the address that a request comes from, for limits and the log
// and nothing else. What proxies say of it in X-Forwarded-For is believed from
// the right as far as it was written by one of them: anyone can send the rest.
func clientOf(r *http.Request, proxies []netip.Prefix) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // not from a network
	}
	client := at.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && among(client, proxies); i-- {
		before, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		client = before.Unmap()
	}
	return client
}

// schemeOf is what the client spoke, as far as a trusted proxy says.
func schemeOf(r *http.Request, proxies []netip.Prefix) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if proto := r.Header.Get("X-Forwarded-Proto"); err == nil && (proto == "http" || proto == "https") && among(at.Addr().Unmap(), proxies) {
		return proto
	}
	if r.TLS != nil {
		return "https"
	}
	return "http"
}
