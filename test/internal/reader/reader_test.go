package reader

import (
	"reflect"
	"testing"
)

func TestReaderReadsAndRefuses(t *testing.T) {
	fields, err := Read([]byte("From: a@b.test\r\n" +
		"Authentication-Results: mx.lab.test;\r\n\tdkim=fail (2048-bit key) reason=body-hash\r\n\theader.d=b.test header.b=AbCd1234\r\n" +
		"Authentication-Results: mx.lab.test; none\r\n" +
		"Authentication-Results: ;;;\r\n\r\nhello\r\n"))
	if err != nil || len(fields) != 3 {
		t.Fatalf("want three fields, have %+v, %v", fields, err)
	}
	want := Result{
		Method: "dkim", Result: "fail", Reason: "body-hash",
		Properties: map[string]string{"header.d": "b.test", "header.b": "AbCd1234"},
	}
	if f := fields[0]; f.ID != "mx.lab.test" || len(f.Results) != 1 || !reflect.DeepEqual(f.Results[0], want) {
		t.Errorf("want %+v, have %+v", want, f)
	}
	if f := fields[1]; f.Error != "" || len(f.Results) > 1 {
		t.Errorf("none: %+v", f)
	}
	if fields[2].Error == "" {
		t.Errorf("a broken field was read: %+v", fields[2])
	}
}
