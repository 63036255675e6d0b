// SPDX-License-Identifier: GPL-2.0
#include <stdint.h>
#include <string.h>

#include "format.h"
#include "top.h"
#include "top_screen.h"

/* Headings are not selected. */
static void select_near(struct top *top, size_t index, bool down)
{
	if (!top->rows.n)
		return;
	if (index >= top->rows.n)
		index = top->rows.n - 1;
	if (top->rows.rows[index].kind == ROW_HEAD)
		index += down ? 1 : -1;
	top->selected = index;
}

static bool move_key(struct top *top, int key)
{
	size_t at = top->selected, lines = top_page(top);

	switch (key) {
	case SCREEN_UP:
	case 'k':
		select_near(top, at ? at - 1 : 0, false);
		return true;
	case SCREEN_DOWN:
	case 'j':
		select_near(top, at + 1, true);
		return true;
	case SCREEN_PAGE_UP:
		select_near(top, at > lines ? at - lines : 0, false);
		return true;
	case SCREEN_PAGE_DOWN:
		select_near(top, at + lines, true);
		return true;
	case SCREEN_HOME:
		select_near(top, 0, true);
		return true;
	case SCREEN_END:
		select_near(top, SIZE_MAX, false);
		return true;
	}
	return false;
}

/* On a process, its session is folded and selected. */
static void fold_selected(struct top *top)
{
	struct session *session;

	if (top->selected >= top->rows.n)
		return;
	session = model_find(&top->model, top->rows.rows[top->selected].session);
	if (session)
		session->tag ^= TOP_UNFOLDED;
}

static void fold_all(struct top *top)
{
	struct session *session;

	top->unfold_all = !top->unfold_all;
	for (session = top->model.sessions; session; session = session->hh.next)
		session->tag = top->unfold_all ? session->tag | TOP_UNFOLDED :
						 session->tag & ~(size_t)TOP_UNFOLDED;
}

/* While a delay is typed. */
static void ask_key(struct top *top, int key)
{
	size_t len = strlen(top->asked);
	uint64_t delay;

	if (key == SCREEN_ESCAPE) {
		top->asking = false;
	} else if (key == SCREEN_ENTER) {
		/* Nothing typed, or no time: it stays as it was. */
		if (parse_delay(top->asked, &delay)) {
			top->delay_ns = delay;
			top->next_ns = now_monotonic_ns();
		}
		top->asking = false;
	} else if (key == SCREEN_BACKSPACE && len) {
		top->asked[len - 1] = '\0';
	} else if (((key >= '0' && key <= '9') || key == '.') && len + 1 < sizeof(top->asked)) {
		top->asked[len] = (char)key;
		top->asked[len + 1] = '\0';
	}
}

/* Return 1 if the rows change by it. */
static int command_key(struct top *top, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
		top->quit = true;
		return 0;
	case SCREEN_ENTER:
	case ' ':
		fold_selected(top);
		return 1;
	case 'a':
		fold_all(top);
		return 1;
	case 's':
		top->sort = (top->sort + 1) % N_SORTS;
		return 1;
	case 'd':
		top->asking = true;
		top->asked[0] = '\0';
		return 0;
	case 'h':
	case '?':
		top->help = !top->help;
		return 0;
	}
	return 0;
}

int top_keys(struct top *top)
{
	int key, err = 0, any = 0;

	while (!err && !top->quit && (key = screen_key()) != SCREEN_NO_KEY) {
		any = 1;
		if (top->asking)
			ask_key(top, key);
		else if (!move_key(top, key) && command_key(top, key))
			err = top_make_rows(top);
	}
	return err ?: any;
}
