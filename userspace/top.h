/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The live view: what its loop, its keys and its drawing share.
 */
#ifndef _SSHOBS_TOP_H
#define _SSHOBS_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"
#include "options.h"
#include "stream.h"
#include "top_readings.h"
#include "top_rows.h"

/**
 * struct top - the whole of it
 * @options: the command line
 * @stream: where the records come from
 * @model: what they told
 * @readings: what was read beside them
 * @rows: what is shown
 * @sort: their order
 * @delay_ns: between two readings
 * @next_ns: when the next one is due
 * @pause_ns: until when the device is not looked at
 * @hidden: sessions that are up, and of which the ring holds nothing any more
 * @frames: screens that are still to be shown; LINES_ALL: no end
 * @selected: index of a row
 * @first: index of the row at the top of the screen
 * @unfold_all: sessions that come are unfolded
 * @help: the line of help is shown
 * @asked: the delay that is being typed; empty when none is
 * @asking: it is
 * @quit: a key said so
 */
struct top {
	const struct options *options;
	struct stream *stream;
	struct model model;
	struct readings readings;
	struct top_rows rows;
	enum top_sort sort;
	uint64_t delay_ns;
	uint64_t next_ns;
	uint64_t pause_ns;
	uint64_t hidden;
	uint64_t frames;
	size_t selected;
	size_t first;
	bool unfold_all;
	bool help;
	bool asking;
	char asked[16];
	bool quit;
};

/**
 * top_make_rows() - make the rows anew; the selection stays with what it was on
 * @top: the view
 *
 * Return: 0 or -ENOMEM.
 */
int top_make_rows(struct top *top);

/**
 * top_keys() - obey all keys that were pressed
 * @top: the view
 *
 * Return: 1 if there were any, else 0; -ENOMEM.
 */
int top_keys(struct top *top);

/** top_page() - lines that the rows have on the screen */
size_t top_page(const struct top *top);

/** top_draw_screen() - draw the screen; Return: 0 or -ENOMEM */
int top_draw_screen(struct top *top);

/**
 * top_draw_batch() - print a screen as plain text
 * @top: the view
 * @first: it is the first one
 *
 * Return: 0 or -ENOMEM.
 */
int top_draw_batch(const struct top *top, bool first);

#endif /* _SSHOBS_TOP_H */
