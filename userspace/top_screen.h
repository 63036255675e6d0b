/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The full screen of a terminal. The only user of ncurses.
 */
#ifndef _SSHOBS_TOP_SCREEN_H
#define _SSHOBS_TOP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "term.h"

/* What screen_key() gives besides characters. */
enum screen_key {
	SCREEN_NO_KEY = -1,
	SCREEN_UP = 0x100,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME,
	SCREEN_END,
	SCREEN_ENTER,
	SCREEN_ESCAPE,
	SCREEN_BACKSPACE,
	SCREEN_REDRAW, /* it was resized, or ^L */
	SCREEN_OTHER,
};

/**
 * screen_open() - take the terminal; screen_close() gives it back
 * @color: colours may be used
 *
 * Return: 0; -ENOTTY: it cannot show a full screen.
 */
int screen_open(bool color);

/** screen_close() - make the terminal what it was; nothing happens if it is not taken */
void screen_close(void);

/** screen_size() - how many lines and columns there are now */
void screen_size(size_t *lines, size_t *columns);

/** screen_key() - the next key that was pressed, without waiting; see enum screen_key */
int screen_key(void);

/** screen_begin() - begin to draw, at the top */
void screen_begin(void);

/** screen_mark() - the line that is drawn next stands out */
void screen_mark(void);

/** screen_skip_to() - go on with a line; what is between is empty */
void screen_skip_to(size_t to);

/** screen_put() - draw a piece of a line; a struct canvas's put() */
void screen_put(void *to, const char *text, enum tint tint);

/** screen_end() - end a line; a struct canvas's end() */
void screen_end(void *to);

/** screen_show() - bring what was drawn to the terminal */
void screen_show(void);

#endif /* _SSHOBS_TOP_SCREEN_H */
