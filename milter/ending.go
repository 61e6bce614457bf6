package milter

// endOfMessage ends a message: the changes and the reply go out together. Sendmail's protocol lets the last chunk of the body come in the same packet.
func (d *dialog) endOfMessage(p packet) error {
	if len(p.data) > 0 || p.lost > 0 {
		chunk := packet{cmd: CmdBody, data: p.data, lost: p.lost}
		if r, err := d.deliver(chunk); err != nil {
			return err
		} else if r.settles() {
			d.settled = r
		}
	}
	r := d.settled
	if d.refused.settles() {
		r = d.refused
	}
	d.mods.reset(d.agreed, d.send)
	if !r.settles() {
		d.open = false
		r = d.conclude()
	}
	d.out = d.out[:0]
	if !r.refuses() && r != Discard {
		d.out = append(d.out, d.mods.packets...)
	}
	d.out = r.appendTo(d.out)
	err := d.send(d.out)
	d.out = shrink(d.out)
	d.mods.packets = shrink(d.mods.packets)
	d.drop()
	d.macros.endMessage()
	return err
}

// conclude calls EndOfMessage. If that panics none of its changes are made, and Fault has the say.
func (d *dialog) conclude() Response {
	d.mods.open = true
	r, err := d.call(packet{cmd: CmdEOM})
	d.mods.open = false
	if err != nil {
		d.mods.packets = d.mods.packets[:0]
		r = d.askFault(err)
	}
	if r == Skip {
		return Continue
	}
	return r
}

// settle gives the MTA the answer that ends a message for it.
func (d *dialog) settle(r Response) error {
	err := d.reply(r)
	d.abort()
	d.phase = phaseSettled
	return err
}

// drop ends a message that is under way, and what is remembered of it. Macros are another matter: those of the next MAIL may have come.
func (d *dialog) drop() {
	d.abort()
	d.settled, d.held, d.skip = Continue, false, false
}

// abort tells the Session that its message ends, if it has one.
func (d *dialog) abort() {
	if d.open {
		d.open = false
		d.guard(CmdAbort, func(s Session) { s.Abort() })
	}
}

// end ends the SMTP session.
func (d *dialog) end() {
	d.drop()
	if d.session != nil {
		d.guard(CmdQuit, func(s Session) { s.Close() })
		d.session = nil
	}
	d.refused, d.broken, d.early = Continue, nil, nil
	d.macros.endSession()
}
