//go:build boringcrypto

package main

import boringcrypto "crypto/boring"

func boring() bool { return boringcrypto.Enabled() }
