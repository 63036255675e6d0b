// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "links.h"

/* --- links: descriptors, grouped by what they are open on --------------------- */

/* A descriptor that may be an end of a link. */
struct found {
	enum link_kind kind;
	uint64_t key;
	int end;
	struct holder holder;
};

struct finds {
	struct found *found;
	size_t n;
	size_t room;
};

static int add(struct finds *finds, enum link_kind kind, uint64_t key, int end,
	       struct holder holder)
{
	if (finds->n == finds->room) {
		size_t room = finds->room * 2 + 64;
		struct found *more = realloc(finds->found, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		finds->found = more;
		finds->room = room;
	}
	finds->found[finds->n++] = (struct found){ kind, key, end, holder };
	return 0;
}

static int add_socket(struct finds *finds, struct holder holder, uint64_t cookie)
{
	const struct sshobs_fd *fd = holder.fd->fd;

	if (fd->family == AF_UNIX && fd->peer_ino && fd->peer_ino != fd->ino) {
		bool first = fd->ino < fd->peer_ino;

		return add(finds, LINK_UNIX, first ? fd->ino : fd->peer_ino, !first, holder);
	}
	if (holder.fd->tcp_info.len && fd->peer.family && (!cookie || fd->cookie == cookie))
		return add(finds, LINK_TCP, fd->ino, 0, holder);
	return 0;
}

static int add_pipe(struct finds *finds, struct holder holder)
{
	const struct sshobs_fd *fd = holder.fd->fd;
	uint32_t mode = fd->flags & O_ACCMODE;
	int err = 0;

	if (mode != O_RDONLY)
		err = add(finds, LINK_PIPE, fd->ino, 0, holder);
	if (mode != O_WRONLY)
		err = err ?: add(finds, LINK_PIPE, fd->ino, 1, holder);
	return err;
}

static int add_fd(struct finds *finds, struct holder holder, uint64_t cookie)
{
	const struct sshobs_fd *fd = holder.fd->fd;

	switch (fd->kind) {
	case SSHOBS_FD_SOCKET:
		return add_socket(finds, holder, cookie);
	case SSHOBS_FD_PIPE:
		return add_pipe(finds, holder);
	case SSHOBS_FD_TTY:
	case SSHOBS_FD_PTMX:
		if (fd->pts == SSHOBS_NO_PTS)
			return 0;
		return add(finds, LINK_PTY, fd->pts, fd->kind == SSHOBS_FD_TTY, holder);
	}
	return 0;
}

static int compare(const void *one, const void *other)
{
	const struct found *a = one, *b = other;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->end != b->end)
		return a->end - b->end;
	if (a->holder.process != b->holder.process)
		return a->holder.process < b->holder.process ? -1 : 1;
	return (a->holder.fd->fd->fd > b->holder.fd->fd->fd) -
	       (a->holder.fd->fd->fd < b->holder.fd->fd->fd);
}

static bool two_processes(const struct link *link)
{
	const struct link_end *a = &link->ends[0], *b = &link->ends[1];

	/* Each end is sorted: if its first and last are the same process, all are. */
	return a->n && b->n &&
	       (a->holders[0].process != b->holders[b->n - 1].process ||
		a->holders[a->n - 1].process != b->holders[0].process);
}

/* Holders of one link stand together, those of its end 0 first. */
static void group(struct links *links, const struct finds *finds)
{
	size_t at = 0;

	while (at < finds->n) {
		const struct found *first = &finds->found[at];
		struct link *link = &links->links[links->n];
		int end;

		*link = (struct link){ .kind = first->kind, .key = first->key };
		for (end = 0; end < 2; end++) {
			link->ends[end].holders = &links->holders[at];
			while (at < finds->n && finds->found[at].kind == first->kind &&
			       finds->found[at].key == first->key && finds->found[at].end == end) {
				links->holders[at] = finds->found[at].holder;
				link->ends[end].n++;
				at++;
			}
		}
		if (link->kind == LINK_TCP || link->kind == LINK_PTY || two_processes(link))
			links->n++;
	}
}

static int collect(struct finds *finds, const struct snapshot *processes, size_t n, uint64_t cookie)
{
	size_t i, fd;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		for (fd = 0; fd < processes[i].fds_count && !err; fd++)
			err = add_fd(finds, (struct holder){ i, &processes[i].fds[fd] }, cookie);
	if (finds->n)
		qsort(finds->found, finds->n, sizeof(*finds->found), compare);
	return err;
}

/* Without its cookie, the connection is that of the oldest process; others are none. */
static void pick_connection(struct links *links)
{
	size_t i, best = links->n, at = 0;

	for (i = 0; i < links->n; i++)
		if (links->links[i].kind == LINK_TCP &&
		    (best == links->n || links->links[i].ends[0].holders[0].process <
						 links->links[best].ends[0].holders[0].process))
			best = i;
	for (i = 0; i < links->n; i++) {
		if (links->links[i].kind == LINK_TCP && i != best)
			continue;
		if (i == best)
			links->connection = &links->links[at];
		links->links[at++] = links->links[i];
	}
	links->n = at;
}

/* --- the tree: from the client to each process --------------------------------- */

/* @order: processes that have their place, as they got it; the first @head were left again. */
struct tree {
	struct links *links;
	bool *placed;
	size_t *order;
	size_t n;
	size_t head;
};

bool link_holds(const struct link_end *end, size_t process)
{
	size_t i;

	for (i = 0; i < end->n; i++)
		if (end->holders[i].process == process)
			return true;
	return false;
}

int link_between(const struct link *link, size_t from, size_t to)
{
	int end;

	for (end = 0; end < 2; end++)
		if (link_holds(&link->ends[end], from) && link_holds(&link->ends[!end], to))
			return end;
	return -1;
}

static size_t find_pid(const struct links *links, uint32_t pid)
{
	size_t i;

	for (i = 0; i < links->n_processes; i++)
		if (links->processes[i].task->pid == pid)
			return i;
	return links->n_processes;
}

/* The nearest ancestor that holds the same end, or @otherwise. */
static size_t heir_of(const struct links *links, const struct link_end *end, size_t process,
		      size_t otherwise)
{
	size_t up = process;

	for (;;) {
		size_t next = find_pid(links, links->processes[up].task->ppid);

		/* A parent began before its child, whoever has its pid by now. */
		if (next >= up)
			return otherwise;
		up = next;
		if (link_holds(end, up))
			return up;
	}
}

static void place(struct tree *tree, size_t process, size_t parent, const struct link *via)
{
	tree->links->parents[process] = parent;
	tree->links->via[process] = via;
	tree->placed[process] = true;
	tree->order[tree->n++] = process;
}

/* Whose terminal is driven by a process that was read hangs on that. */
static bool on_terminal(const struct links *links, size_t process, uint64_t pts)
{
	char name[SSHOBS_TTY_LEN + 1];

	snprintf(name, sizeof(name), "pts/%llu", (unsigned long long)pts);
	return strncmp(links->processes[process].task->tty, name, SSHOBS_TTY_LEN) == 0;
}

static bool has_terminal(const struct links *links, size_t process)
{
	size_t i;

	for (i = 0; i < links->n; i++)
		if (links->links[i].kind == LINK_PTY && links->links[i].ends[0].n &&
		    link_holds(&links->links[i].ends[1], process) &&
		    on_terminal(links, process, links->links[i].key))
			return true;
	return false;
}

typedef bool (*wanted)(const struct links *links, const struct link *link, size_t process);

static bool without_terminal(const struct links *links, const struct link *link, size_t process)
{
	(void)link;
	return !has_terminal(links, process);
}

static bool with_this_terminal(const struct links *links, const struct link *link, size_t process)
{
	return on_terminal(links, process, link->key);
}

static bool any(const struct links *links, const struct link *link, size_t process)
{
	(void)links;
	(void)link;
	(void)process;
	return true;
}

/* Place those who hold an end: below @parent, or below the one that they have it from. */
static bool attach(struct tree *tree, const struct link *link, int end, size_t parent, wanted wants)
{
	const struct link_end *to = &link->ends[end];
	size_t before = tree->n, i;

	for (i = 0; i < to->n; i++) {
		size_t process = to->holders[i].process;

		if (!tree->placed[process] && wants(tree->links, link, process))
			place(tree, process, heir_of(tree->links, to, process, parent), link);
	}
	/* An ancestor that was not wanted here is no parent. */
	for (i = before; i < tree->n; i++) {
		size_t up = tree->links->parents[tree->order[i]];

		if (up < tree->links->n_processes && !tree->placed[up])
			tree->links->parents[tree->order[i]] = parent;
	}
	return tree->n > before;
}

/* From each process along its sockets and pipes. */
static void follow_pairs(struct tree *tree)
{
	struct links *links = tree->links;
	size_t i;
	int end;

	for (; tree->head < tree->n; tree->head++) {
		size_t process = tree->order[tree->head];

		for (i = 0; i < links->n; i++) {
			const struct link *link = &links->links[i];

			if (link->kind != LINK_UNIX && link->kind != LINK_PIPE)
				continue;
			for (end = 0; end < 2; end++)
				if (link_holds(&link->ends[end], process))
					attach(tree, link, !end, process, without_terminal);
		}
	}
}

/* A terminal hangs on the one of its masters that is the farthest from the client. */
static bool follow_terminal(struct tree *tree, wanted wants)
{
	struct links *links = tree->links;
	size_t i, at;

	for (i = 0; i < links->n; i++) {
		const struct link *link = &links->links[i];

		if (link->kind != LINK_PTY)
			continue;
		for (at = tree->n; at; at--)
			if (link_holds(&link->ends[0], tree->order[at - 1]))
				break;
		if (at && attach(tree, link, 1, tree->order[at - 1], wants))
			return true;
	}
	return false;
}

static void follow(struct tree *tree)
{
	do {
		follow_pairs(tree);
	} while (follow_terminal(tree, with_this_terminal) || follow_terminal(tree, any));
}

/* Those that hang on nothing: first the ones that others may hang on. */
static bool place_loose(struct tree *tree, wanted wants)
{
	size_t i;

	for (i = 0; i < tree->links->n_processes; i++) {
		if (tree->placed[i] || !wants(tree->links, NULL, i))
			continue;
		place(tree, i, LINKS_LOOSE, NULL);
		return true;
	}
	return false;
}

static void grow(struct tree *tree)
{
	if (tree->links->connection)
		attach(tree, tree->links->connection, 0, LINKS_CLIENT, any);
	do {
		follow(tree);
	} while (place_loose(tree, without_terminal) || place_loose(tree, any));
}

static int grow_tree(struct links *links)
{
	size_t room = links->n_processes + 1;
	struct tree tree = { .links = links };
	int err = 0;

	tree.placed = calloc(room, sizeof(*tree.placed));
	tree.order = calloc(room, sizeof(*tree.order));
	links->parents = calloc(room, sizeof(*links->parents));
	links->via = calloc(room, sizeof(*links->via));
	if (!tree.placed || !tree.order || !links->parents || !links->via)
		err = -ENOMEM;
	else
		grow(&tree);
	free(tree.placed);
	free(tree.order);
	return err;
}

int links_find(struct links *links, const struct snapshot *processes, size_t n, uint64_t cookie)
{
	struct finds finds = { 0 };
	int err = collect(&finds, processes, n, cookie);

	*links = (struct links){ .processes = processes, .n_processes = n };
	links->links = calloc(finds.n + 1, sizeof(*links->links));
	links->holders = calloc(finds.n + 1, sizeof(*links->holders));
	if (!links->links || !links->holders)
		err = -ENOMEM;
	if (!err) {
		group(links, &finds);
		pick_connection(links);
		err = grow_tree(links);
	}
	free(finds.found);
	if (err)
		links_free(links);
	return err;
}

void links_free(struct links *links)
{
	free(links->links);
	free(links->holders);
	free(links->parents);
	free(links->via);
	memset(links, 0, sizeof(*links));
}
