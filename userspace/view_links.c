// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "format.h"
#include "inspect_words.h"
#include "json_build.h"
#include "term.h"
#include "view_links.h"

/* A branch that is this far to the right goes on below the others. */
#define MAX_PREFIX 40

/* Which process is drawn next; no process: SIZE_MAX. */
struct place {
	size_t first_child;
	size_t last_child;
	size_t next;
	size_t prefix;
};

/* @prefix: what stands before the lines of a branch: for each column, whether it is a line. */
struct drawing {
	const struct links *links;
	struct place *places;
	struct place top;
	bool prefix[MAX_PREFIX];
	bool local;
};

/* --- lines ---------------------------------------------------------------------- */

static void put_prefix(const struct drawing *drawing, size_t n)
{
	const char *line = term_get()->utf8 ? "│ " : "| ";
	size_t i;

	fputs(term_tint(TINT_DIM), stdout);
	for (i = 0; i < n; i++)
		fputs(drawing->prefix[i] ? line : "  ", stdout);
	fputs(term_tint(TINT_NONE), stdout);
}

/* Columns that are left after @used ones. */
static size_t room_after(size_t used)
{
	size_t width = (size_t)term_get()->width;

	return !width ? SIZE_MAX : width > used + 20 ? width - used : 20;
}

/* One line, cut where the terminal ends; its first @bold bytes are bold. */
static void put_cut(const char *text, size_t bold, size_t used)
{
	size_t room = room_after(used);
	size_t n = strlen(text);
	bool cut = term_columns(text) > room;

	if (cut)
		n = term_prefix(text, room - 3);
	bold = bold < n ? bold : n;
	printf("%s%.*s%s%.*s%s\n", term_tint(TINT_BOLD), (int)bold, text, term_tint(TINT_NONE),
	       (int)(n - bold), text + bold, cut ? "..." : "");
}

/* What begins the first line of an edge, and what its other lines begin with. */
struct corner {
	const char *first;
	const char *next;
};

static struct corner corner_of(const struct drawing *drawing, size_t process, size_t parent)
{
	const struct place *place =
		parent < drawing->links->n_processes ? &drawing->places[parent] : &drawing->top;
	bool utf8 = term_get()->utf8;

	if (place->first_child == place->last_child || place->prefix >= MAX_PREFIX)
		return (struct corner){ utf8 ? "│ " : "| ", utf8 ? "│ " : "| " };
	if (process == place->last_child)
		return (struct corner){ utf8 ? "└─┐ " : "`-+ ", utf8 ? "  │ " : "  | " };
	return (struct corner){ utf8 ? "├─┐ " : "|-+ ", utf8 ? "│ │ " : "| | " };
}

/* What joins two processes: all of it, on as many lines as it takes. */
static void put_edge(const struct drawing *drawing, size_t prefix, struct corner *corner,
		     const char *text)
{
	size_t used = 2 * prefix + term_columns(corner->first);
	size_t room = room_after(used);

	while (*text) {
		size_t n = term_prefix(text, room);
		size_t blank = n;

		while (text[n] && blank && text[blank] != ' ')
			blank--;
		n = blank ? blank : n;
		put_prefix(drawing, prefix);
		printf("%s%s%.*s%s\n", term_tint(TINT_DIM), corner->first, (int)n, text,
		       term_tint(TINT_NONE));
		corner->first = corner->next;
		text += n;
		while (*text == ' ')
			text++;
	}
}

/* --- words ---------------------------------------------------------------------- */

static const struct sshobs_task_info *task_of(const struct drawing *drawing, size_t process)
{
	return drawing->links->processes[process].task;
}

/* The descriptors by which a process holds an end: "fd 0-2,255". */
static void say_fds(FILE *out, const struct link_end *end, size_t process)
{
	const char *comma = "fd ";
	size_t i, last;

	for (i = 0; i < end->n; i = last + 1) {
		uint32_t from = end->holders[i].fd->fd->fd;

		last = i;
		if (end->holders[i].process != process)
			continue;
		while (last + 1 < end->n && end->holders[last + 1].process == process &&
		       end->holders[last + 1].fd->fd->fd == from + (last + 1 - i))
			last++;
		fprintf(out, "%s%u", comma, from);
		if (last > i)
			fprintf(out, "%c%u", last > i + 1 ? '-' : ',', from + (uint32_t)(last - i));
		comma = ",";
	}
}

static void say_holder(const struct drawing *drawing, FILE *out, const struct link_end *end,
		       size_t process)
{
	words_process(out, task_of(drawing, process));
	fputc(' ', out);
	say_fds(out, end, process);
}

/* Who else holds an end, after what was said of @but. */
static void say_others(const struct drawing *drawing, FILE *out, const struct link_end *end,
		       size_t but)
{
	const char *before = " (also ";
	size_t i, last = but;

	for (i = 0; i < end->n; i++) {
		if (end->holders[i].process == but || end->holders[i].process == last)
			continue;
		last = end->holders[i].process;
		fputs(before, out);
		say_holder(drawing, out, end, last);
		before = ", ";
	}
	if (last != but)
		fputc(')', out);
}

static void say_name(FILE *out, const struct link *link, int end)
{
	if (link->kind == LINK_PTY && end == 0)
		fputs("/dev/ptmx", out);
	else if (link->kind == LINK_PTY)
		fprintf(out, "/dev/pts/%" PRIu64, link->key);
	else
		fprintf(out, "%s:[%" PRIu64 "]", link->kind == LINK_PIPE ? "pipe" : "socket",
			(uint64_t)link->ends[end].holders[0].fd->fd->ino);
}

/* From a process, which holds @end, to another one, which holds the other end. */
static void say_link(const struct drawing *drawing, FILE *out, const struct link *link, int end,
		     size_t from, size_t to)
{
	say_fds(out, &link->ends[end], from);
	fputs(link->kind == LINK_UNIX ? " unix " : " ", out);
	if (link->kind == LINK_PIPE) {
		fputs(end == 0 ? "-> " : "<- ", out);
		say_name(out, link, end);
		fputs(end == 0 ? " -> " : " <- ", out);
	} else {
		say_name(out, link, end);
		fputs(" <-> ", out);
		say_name(out, link, !end);
		fputc(' ', out);
	}
	say_fds(out, &link->ends[!end], to);
	say_others(drawing, out, &link->ends[end], from);
}

/* The connection, and each process that holds it. */
static void say_connection(const struct drawing *drawing, FILE *out)
{
	const struct link_end *end = &drawing->links->connection->ends[0];
	const struct sshobs_fd *fd = end->holders[0].fd->fd;
	const char *before = " ";
	char local[FORMAT_MAX];
	size_t i;

	fputs("TCP ", out);
	words_state(out, fd->state);
	fprintf(out, " %s ", format_endpoint(local, &fd->local));
	say_name(out, drawing->links->connection, 0);
	fputc(':', out);
	for (i = 0; i < end->n; i++) {
		if (i && end->holders[i].process == end->holders[i - 1].process)
			continue;
		fputs(before, out);
		say_holder(drawing, out, end, end->holders[i].process);
		before = ", ";
	}
}

static void say_process(const struct drawing *drawing, FILE *out, size_t process)
{
	const struct snapshot *snapshot = &drawing->links->processes[process];
	const struct sshobs_task_info *task = snapshot->task;

	fputc(' ', out);
	words_user(out, task->uid, drawing->local);
	if (task->euid != task->uid) {
		fputs(" as ", out);
		words_user(out, task->euid, drawing->local);
	}
	fputs("  ", out);
	words_argv(out, snapshot);
}

/* --- the tree ------------------------------------------------------------------- */

static char *text_of(FILE **out, char **text, size_t *size)
{
	*out = open_memstream(text, size);
	return *out ? "" : NULL;
}

/* Every link between the two, or else what they share. */
static int draw_edge(const struct drawing *drawing, size_t process, size_t prefix)
{
	const struct links *links = drawing->links;
	size_t parent = links->parents[process];
	struct corner corner = corner_of(drawing, process, parent);
	char *text;
	size_t size, i, said = 0;
	FILE *out;

	for (i = 0; i <= links->n && parent != LINKS_LOOSE; i++) {
		const struct link *link = i < links->n ? &links->links[i] : links->via[process];
		int end = i < links->n && parent != LINKS_CLIENT ?
				  link_between(link, parent, process) :
				  -1;

		if (end < 0 && (i < links->n || said))
			continue;
		if (!text_of(&out, &text, &size))
			return -ENOMEM;
		if (end >= 0) {
			say_link(drawing, out, link, end, parent, process);
		} else if (parent == LINKS_CLIENT) {
			say_connection(drawing, out);
		} else {
			end = link_holds(&link->ends[1], process) &&
			      link_holds(&link->ends[1], parent);
			say_name(out, link, end);
			fputc(' ', out);
			say_fds(out, &link->ends[end], process);
		}
		if (fclose(out) == 0)
			put_edge(drawing, prefix, &corner, text);
		free(text);
		said++;
	}
	return 0;
}

static int draw_process(const struct drawing *drawing, size_t process, size_t prefix)
{
	size_t size, bold;
	char *text;
	FILE *out;

	if (!text_of(&out, &text, &size))
		return -ENOMEM;
	words_process(out, task_of(drawing, process));
	fflush(out);
	bold = size;
	say_process(drawing, out, process);
	if (fclose(out) == 0) {
		put_prefix(drawing, prefix);
		put_cut(text, bold, 2 * prefix);
	}
	free(text);
	return 0;
}

/* A child of several stands one column to the right; an only child below its parent. */
static int draw(struct drawing *drawing, size_t process)
{
	size_t parent = drawing->links->parents[process];
	bool loose = parent == LINKS_LOOSE;
	const struct place *above =
		parent < drawing->links->n_processes ? &drawing->places[parent] : &drawing->top;
	size_t prefix = loose ? 0 : above->prefix;
	int err = draw_edge(drawing, process, prefix);

	if (!loose && above->first_child != above->last_child && prefix < MAX_PREFIX)
		drawing->prefix[prefix++] = process != above->last_child;
	drawing->places[process].prefix = prefix;
	return err ?: draw_process(drawing, process, prefix);
}

static void add_child(struct drawing *drawing, struct place *above, size_t process)
{
	if (above->first_child == SIZE_MAX)
		above->first_child = process;
	else
		drawing->places[above->last_child].next = process;
	above->last_child = process;
}

static void plan(struct drawing *drawing)
{
	const struct links *links = drawing->links;
	size_t i;

	drawing->top = (struct place){ SIZE_MAX, SIZE_MAX, SIZE_MAX, 0 };
	for (i = 0; i < links->n_processes; i++)
		drawing->places[i] = drawing->top;
	for (i = 0; i < links->n_processes; i++) {
		if (links->parents[i] == LINKS_CLIENT)
			add_child(drawing, &drawing->top, i);
		else if (links->parents[i] != LINKS_LOOSE)
			add_child(drawing, &drawing->places[links->parents[i]], i);
	}
}

/* The process itself, and all that hangs on it. */
static int draw_branch(struct drawing *drawing, size_t root)
{
	const struct place *places = drawing->places;
	size_t at = root;
	int err = draw(drawing, at);

	while (!err) {
		if (places[at].first_child != SIZE_MAX) {
			at = places[at].first_child;
		} else {
			while (at != root && places[at].next == SIZE_MAX)
				at = drawing->links->parents[at];
			if (at == root)
				break;
			at = places[at].next;
		}
		err = draw(drawing, at);
	}
	return err;
}

static void put_client(const struct links *links)
{
	const struct link *connection = links->connection;
	char peer[FORMAT_MAX];

	if (connection)
		printf("%sclient %s%s\n", term_tint(TINT_BOLD),
		       format_endpoint(peer, &connection->ends[0].holders[0].fd->fd->peer),
		       term_tint(TINT_NONE));
	else
		printf("%sclient: no process holds the connection%s\n", term_tint(TINT_WARN),
		       term_tint(TINT_NONE));
}

int view_links(const struct links *links, bool local)
{
	struct drawing drawing = { .links = links, .local = local };
	size_t i;
	int err = 0;

	drawing.places = calloc(links->n_processes + 1, sizeof(*drawing.places));
	if (!drawing.places)
		return -ENOMEM;
	plan(&drawing);
	put_client(links);
	for (i = drawing.top.first_child; i != SIZE_MAX && !err; i = drawing.places[i].next)
		err = draw_branch(&drawing, i);
	for (i = 0; i < links->n_processes && !err; i++) {
		if (links->parents[i] != LINKS_LOOSE)
			continue;
		printf("%sjoined to none of these:%s\n", term_tint(TINT_DIM), term_tint(TINT_NONE));
		err = draw_branch(&drawing, i);
	}
	free(drawing.places);
	return err;
}

/* --- JSON ----------------------------------------------------------------------- */

static struct json_object *holders_array(const struct links *links, const struct link_end *end)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < end->n; i++) {
		const struct holder *holder = &end->holders[i];
		const struct sshobs_task_info *task = links->processes[holder->process].task;
		struct json_object *object = json_object_new_object();

		json_add_u64(object, "pid", task->pid);
		json_add_u64(object, "uid", task->uid);
		json_add_u64(object, "fd", holder->fd->fd->fd);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *link_object(const struct links *links, const struct link *link)
{
	static const char *const names[] = {
		[LINK_TCP] = "tcp",
		[LINK_UNIX] = "unix",
		[LINK_PIPE] = "pipe",
		[LINK_PTY] = "pty",
	};
	struct json_object *object = json_object_new_object();

	json_add_string(object, "kind", names[link->kind]);
	json_add_u64(object, link->kind == LINK_PTY ? "pts" : "ino", link->key);
	if (link->kind == LINK_UNIX)
		json_add_u64(object, "peer_ino", link->ends[1].holders[0].fd->fd->ino);
	if (link->kind == LINK_TCP)
		json_add_endpoints(object, &link->ends[0].holders[0].fd->fd->peer,
				   &link->ends[0].holders[0].fd->fd->local);
	json_add(object, "holders", holders_array(links, &link->ends[0]));
	json_add(object, "peer_holders", holders_array(links, &link->ends[1]));
	return object;
}

struct json_object *view_links_json(const struct links *links)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < links->n; i++)
		json_object_array_add(array, link_object(links, &links->links[i]));
	return array;
}
