package browser

import (
	"errors"
	"fmt"
	"math"

	"github.com/chromedp/chromedp"
)

// Colour as it is painted, each part from 0 to 255.
type Colour struct{ R, G, B float64 }

// Looks are the colours of a word.
type Looks struct{ Ink, Paper Colour }

// paint is JavaScript: looks(e) are ink and paper of an element.
const paint = `
	const brush = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
	const rgba = colour => { // whatever the notation: oklch(), color-mix(), names
		brush.clearRect(0, 0, 1, 1);
		brush.fillStyle = colour;
		brush.fillRect(0, 0, 1, 1);
		return [...brush.getImageData(0, 0, 1, 1).data];
	};
	const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] / 255 + b[i] * (1 - a[3] / 255));
	const looks = element => {
		const layers = [];
		for (let e = element; e; e = e.parentElement) {
			const c = rgba(getComputedStyle(e).backgroundColor);
			layers.push(c);
			if (c[3] === 255) break;
		}
		const dark = matchMedia('(prefers-color-scheme: dark)').matches && getComputedStyle(document.documentElement).colorScheme.includes('dark');
		const paper = layers.reverse().reduce((below, c) => over(c, below), dark ? [18, 18, 18] : [255, 255, 255]);
		return {ink: over(rgba(getComputedStyle(element).color), paper), paper};
	};
`

// Looks are those of the smallest part of the page whose whole text is text, near another text if that is not empty.
func (p *Page) Looks(text, near string) (l Looks, err error) {
	const read = `((text, near) => {` + shows + paint + `
		let found = [...document.body.querySelectorAll('*')].filter(e => words(e.innerText ?? '') === text && e.getClientRects().length);
		found = found.filter(e => !found.some(o => o !== e && e.contains(o)));
		if (near) {
			const distance = e => { while (e && !shows(e, near)) e = e.parentElement; return e ? e.querySelectorAll('*').length : Infinity };
			const least = Math.min(...found.map(distance));
			found = found.filter(e => distance(e) === least);
		}
		return found.length === 1 ? looks(found[0]) : {problem: found.length + ' parts of the page show ' + text};
	})`
	err = until(func() error {
		seen, err := get(p, "looks of "+text, chromedp.Evaluate[painted](fmt.Sprintf("%s(%q, %q)", read, text, near)))
		switch {
		case err != nil:
			return err
		case seen.Problem != "":
			return errors.New(seen.Problem)
		}
		l = seen.looks()
		return nil
	})
	return l, err
}

// painted is what the browser says about the looks of a text.
type painted struct {
	Problem string    `json:"problem"`
	Text    string    `json:"text"`
	Ink     []float64 `json:"ink"` // red, green, blue
	Paper   []float64 `json:"paper"`
}

func (p painted) looks() Looks {
	colour := func(c []float64) Colour { return Colour{c[0], c[1], c[2]} }
	return Looks{colour(p.Ink), colour(p.Paper)}
}

// Name is what a person would call the colour: red, yellow, green, blue, or grey for what has no colour to speak of.
func (c Colour) Name() string {
	high, low := max(c.R, c.G, c.B), min(c.R, c.G, c.B)
	if high-low < 20 {
		return "grey"
	}
	var hue float64 // degrees
	switch high {
	case c.R:
		hue = math.Mod(60*(c.G-c.B)/(high-low)+360, 360)
	case c.G:
		hue = 60*(c.B-c.R)/(high-low) + 120
	default:
		hue = 60*(c.R-c.G)/(high-low) + 240
	}
	switch {
	case hue < 20 || hue >= 330:
		return "red"
	case hue < 70:
		return "yellow"
	case hue < 170:
		return "green"
	}
	return "blue"
}

// Name is that of the word's colour: of its paper where that is coloured, else of its ink.
func (l Looks) Name() string {
	if name := l.Paper.Name(); name != "grey" {
		return name
	}
	return l.Ink.Name()
}

// Contrast between ink and paper, from 1 to 21 (WCAG 2.2, contrast ratio).
func (l Looks) Contrast() float64 {
	a, b := l.Ink.luminance(), l.Paper.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// luminance as WCAG 2.2 defines relative luminance.
func (c Colour) luminance() float64 {
	linear := func(v float64) float64 {
		if v /= 255; v > 0.04045 {
			return math.Pow((v+0.055)/1.055, 2.4)
		}
		return v / 12.92
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}
