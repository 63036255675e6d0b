// SPDX-License-Identifier: GPL-2.0
#include <linux/fdtable.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "environ.h"
#include "record.h"
#include "session.h"

struct hlist_head *sshobs_task_table;
unsigned int sshobs_task_bits;

struct hlist_head *sshobs_sock_table;
unsigned int sshobs_sock_bits;

/* For changes of both tables, of an entry's session, and of the counts. */
static DEFINE_RAW_SPINLOCK(table_lock);

static struct kmem_cache *session_cache;
static struct kmem_cache *task_cache;
static u64 (*probes_missed)(void);
static unsigned int sessions_max;
static unsigned int tasks_max;
static unsigned int sessions;
static unsigned int tasks;
static u64 sessions_total;
static u64 tasks_total;
static atomic64_t sessions_untracked;
static atomic64_t tasks_untracked;

static struct hlist_head *table_alloc(unsigned int entries, unsigned int *bits)
{
	*bits = ilog2(clamp(roundup_pow_of_two(entries), 256UL, 65536UL));
	return kvcalloc(1UL << *bits, sizeof(struct hlist_head), GFP_KERNEL);
}

int sshobs_session_init(unsigned int max_sessions, unsigned int max_tasks, u64 (*missed)(void))
{
	probes_missed = missed;
	sessions_max = max_sessions;
	tasks_max = max_tasks;

	sshobs_sock_table = table_alloc(max_sessions, &sshobs_sock_bits);
	if (!sshobs_sock_table)
		return -ENOMEM;
	sshobs_task_table = table_alloc(max_tasks, &sshobs_task_bits);
	if (!sshobs_task_table)
		goto free_sock_table;
	session_cache = KMEM_CACHE(sshobs_session, 0);
	if (!session_cache)
		goto free_task_table;
	task_cache = KMEM_CACHE(sshobs_task, 0);
	if (!task_cache)
		goto destroy_session_cache;
	return 0;

destroy_session_cache:
	kmem_cache_destroy(session_cache);
free_task_table:
	kvfree(sshobs_task_table);
free_sock_table:
	kvfree(sshobs_sock_table);
	return -ENOMEM;
}

static void session_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(session_cache, container_of(rcu, struct sshobs_session, rcu));
}

static void task_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(task_cache, container_of(rcu, struct sshobs_task, rcu));
}

/* One at a time: its birth, an exec, and the end of its last thread. */
static void task_given(struct sshobs_task *entry, struct sshobs_environ *given)
{
	sshobs_environ_put(rcu_replace_pointer(entry->environ, given, true));
}

/* The same as sshobs_session_put(), for when there is nobody left to tell. */
static void session_drop(struct sshobs_session *session)
{
	if (session && atomic_dec_and_test(&session->holds))
		kmem_cache_free(session_cache, session);
}

void sshobs_session_exit(void)
{
	struct sshobs_session *session;
	struct sshobs_task *entry;
	struct hlist_node *next;
	unsigned long i;

	/* Frees that are under way, before the caches go. */
	rcu_barrier();
	for (i = 0; i < 1UL << sshobs_task_bits; i++) {
		hlist_for_each_entry_safe(entry, next, &sshobs_task_table[i], by_signal) {
			session_drop(entry->session);
			task_given(entry, NULL);
			kmem_cache_free(task_cache, entry);
		}
	}
	for (i = 0; i < 1UL << sshobs_sock_bits; i++)
		hlist_for_each_entry_safe(session, next, &sshobs_sock_table[i], by_sock)
			session_drop(session);
	kmem_cache_destroy(task_cache);
	kmem_cache_destroy(session_cache);
	kvfree(sshobs_task_table);
	kvfree(sshobs_sock_table);
}

static struct hlist_head *sock_bucket(const struct sock *sock)
{
	return &sshobs_sock_table[hash_ptr(sock, sshobs_sock_bits)];
}

struct sshobs_session *sshobs_session_of_sock(const struct sock *sock)
{
	struct sshobs_session *session;

	hlist_for_each_entry_rcu(session, sock_bucket(sock), by_sock, rcu_read_lock_any_held())
		if (session->sock == sock)
			return session;
	return NULL;
}

struct sshobs_session *sshobs_session_take_sock(const struct sock *sock)
{
	struct sshobs_session *session;
	unsigned long flags;

	if (!sshobs_session_may_have_sock(sock))
		return NULL;
	raw_spin_lock_irqsave(&table_lock, flags);
	session = sshobs_session_of_sock(sock);
	if (session)
		hlist_del_rcu(&session->by_sock);
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return session;
}

static void session_end(struct sshobs_session *session)
{
	struct sshobs_end *end;
	unsigned long flags;

	if (probes_missed() != session->missed)
		sshobs_session_mark(session, SSHOBS_INCOMPLETE_MISSED);
	/* What held it last may have been a connection that the network has ended. */
	end = sshobs_record_begin(session, in_task() ? current : NULL, SSHOBS_END, sizeof(*end));
	if (end) {
		end->duration_ns = ktime_get_ns() - session->start_ns;
		end->processes = atomic_read(&session->processes);
		end->execs = atomic_read(&session->execs);
		end->incomplete = atomic_read(&session->incomplete);
		if (!end->processes)
			end->flags |= SSHOBS_END_REFUSED;
		sshobs_record_end(end);
	}
	raw_spin_lock_irqsave(&table_lock, flags);
	sessions--;
	raw_spin_unlock_irqrestore(&table_lock, flags);
	call_rcu(&session->rcu, session_free_rcu);
}

void sshobs_session_put(struct sshobs_session *session)
{
	if (atomic_dec_and_test(&session->holds))
		session_end(session);
}

/* A session that found its end meanwhile takes no new member. */
bool sshobs_session_hold(struct sshobs_session *session)
{
	return atomic_inc_not_zero(&session->holds);
}

/* An object that counts against a bound; NULL at the bound or without memory. */
static void *bounded_alloc(struct kmem_cache *cache, unsigned int *count, unsigned int max)
{
	void *object = kmem_cache_zalloc(cache, GFP_NOWAIT | __GFP_NOWARN);
	unsigned long flags;
	bool room;

	if (!object)
		return NULL;
	raw_spin_lock_irqsave(&table_lock, flags);
	room = *count < max;
	if (room)
		++*count;
	raw_spin_unlock_irqrestore(&table_lock, flags);
	if (room)
		return object;
	kmem_cache_free(cache, object);
	return NULL;
}

void sshobs_session_untracked(void)
{
	atomic64_inc(&sessions_untracked);
}

static struct sshobs_session *session_new(const struct sock *sock, u64 start_ns)
{
	struct sshobs_session *session;
	unsigned long flags;

	session = bounded_alloc(session_cache, &sessions, sessions_max);
	if (!session) {
		sshobs_session_untracked();
		return NULL;
	}
	session->sock = sock;
	session->start_ns = start_ns;
	session->missed = probes_missed();
	atomic_set(&session->holds, 1);

	raw_spin_lock_irqsave(&table_lock, flags);
	session->id = ++sessions_total;
	hlist_add_head_rcu(&session->by_sock, sock_bucket(sock));
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return session;
}

/*
 * Follow a process. Return 0; -EEXIST: another thread of it, or who adopts processes, was
 * faster; -ENOMEM, counted: at the bound, or without memory.
 */
static int task_follow(const struct task_struct *task, struct sshobs_session *session,
		       unsigned long flags)
{
	struct sshobs_task *entry;
	unsigned long irq;
	int err = 0;

	entry = bounded_alloc(task_cache, &tasks, tasks_max);
	if (!entry) {
		atomic64_inc(&tasks_untracked);
		return -ENOMEM;
	}
	entry->signal = task->signal;
	entry->session = session;
	entry->flags = flags;

	raw_spin_lock_irqsave(&table_lock, irq);
	if (sshobs_task_find(task)) {
		tasks--;
		err = -EEXIST;
	} else {
		tasks_total++;
		hlist_add_head_rcu(&entry->by_signal,
				   &sshobs_task_table[hash_ptr(entry->signal, sshobs_task_bits)]);
	}
	raw_spin_unlock_irqrestore(&table_lock, irq);
	if (err)
		kmem_cache_free(task_cache, entry);
	return err;
}

/* The same on behalf of a session, which is marked where its process can't be followed. */
static int task_follow_of(struct sshobs_session *session, const struct task_struct *task,
			  struct sshobs_session *own, unsigned long flags)
{
	int err = task_follow(task, own, flags);

	if (err == -ENOMEM)
		sshobs_session_mark(session, SSHOBS_INCOMPLETE_TASKS);
	if (err && own)
		sshobs_session_put(own);
	return err;
}

/* Follow a process as a member. Return false where it is none through this. */
static bool session_join(struct sshobs_session *session, const struct task_struct *task,
			 unsigned long flags)
{
	if (!sshobs_session_hold(session) || task_follow_of(session, task, session, flags))
		return false;
	atomic_inc(&session->processes);
	return true;
}

/* Take a process out of the table, once; NULL: somebody else did, or nobody put it. */
static struct sshobs_task *task_take(const struct task_struct *task)
{
	struct sshobs_task *entry;
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	entry = sshobs_task_find(task);
	if (entry) {
		hlist_del_rcu(&entry->by_signal);
		tasks--;
	}
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return entry;
}

struct sshobs_session *sshobs_session_leave(const struct task_struct *task)
{
	struct sshobs_task *entry = task_take(task);
	struct sshobs_session *session;

	if (!entry)
		return NULL;
	session = entry->session;
	if (session && test_bit(SSHOBS_TASK_UNSETTLED, &entry->flags)) {
		sshobs_session_put(session);
		session = NULL;
	}
	task_given(entry, NULL);
	call_rcu(&entry->rcu, task_free_rcu);
	return session;
}

struct sshobs_task *sshobs_session_server(unsigned int waiting)
{
	struct sshobs_task *server = sshobs_task_find(current);

	if (!server && task_follow(current, NULL, 0) != -ENOMEM)
		server = sshobs_task_find(current);
	if (!server)
		return NULL;
	set_bit(SSHOBS_TASK_SERVER, &server->flags);
	WRITE_ONCE(server->waiting, waiting);
	return server;
}

struct sshobs_session *sshobs_session_accept(const struct sock *sock, unsigned int *backlog)
{
	struct sshobs_task *server = sshobs_task_find(current);

	/* It slept in accept() since before the module. */
	if (!server || !test_bit(SSHOBS_TASK_SERVER, &server->flags))
		server = sshobs_session_server(0);
	if (!server) {
		/* Without it no child can be linked: there is no session to tell of. */
		sshobs_session_untracked();
		return NULL;
	}
	*backlog = READ_ONCE(server->waiting);
	if (*backlog)
		--*backlog;
	return session_new(sock, ktime_get_ns());
}

/**
 * struct held - sockets of sessions in an fd table
 * @files: the table
 * @except: session that does not count: the parent's own
 * @session: one of the sessions
 * @kept: one of them whose descriptor survives exec
 * @several: there is another one than @session
 * @looked: descriptors that were looked at
 */
struct held {
	struct files_struct		*files;
	const struct sshobs_session	*except;
	struct sshobs_session		*session;
	struct sshobs_session		*kept;
	bool				several;
	unsigned int			looked;
};

static struct sshobs_session *session_of_file(struct file *file)
{
	struct socket *socket = sshobs_sock_from_file(file);

	return socket && socket->sk ? sshobs_session_of_sock(socket->sk) : NULL;
}

/* Called by iterate_fd(), under the table's lock. */
static int held_look(const void *arg, struct file *file, unsigned int fd)
{
	struct held *held = (struct held *)arg;
	struct sshobs_session *session;

	if (++held->looked > SSHOBS_FDS_MAX) {
		held->several = true;
		return 1;
	}
	session = session_of_file(file);
	if (!session || session == held->except)
		return 0;
	if (held->session && held->session != session)
		held->several = true;
	held->session = session;
	if (!test_bit(fd, files_fdtable(held->files)->close_on_exec))
		held->kept = session;
	return 0;
}

static void held_find(struct held *held)
{
	if (held->files)
		iterate_fd(held->files, 0, held_look, held);
}

/* Called by iterate_fd(), too: a process that may be of this session will not be followed. */
static int held_give_up(const void *looked, struct file *file, unsigned int fd)
{
	struct sshobs_session *session = session_of_file(file);

	if (session)
		sshobs_session_mark(session, SSHOBS_INCOMPLETE_TASKS);
	return ++*(unsigned int *)looked > SSHOBS_FDS_MAX;
}

/*
 * The child of a server, or of a child that is not settled either. Return false
 * where it holds no socket that could tell.
 */
static bool fork_by_socket(const struct sshobs_task *parent, struct task_struct *child,
			   struct sshobs_session **session)
{
	struct sshobs_session *own = READ_ONCE(parent->session);
	struct held held = { .files = child->files, .except = own };

	held_find(&held);
	if (!held.session) {
		if (held.several)
			atomic64_inc(&tasks_untracked);
		return false;
	}
	if (held.kept && !held.several) {
		*session = session_join(held.kept, child, 0) ? held.kept : NULL;
		return true;
	}

	if (own && !sshobs_session_hold(own))
		own = NULL;
	task_follow_of(held.session, child, own, BIT(SSHOBS_TASK_UNSETTLED));
	*session = NULL;
	return true;
}

struct sshobs_session *sshobs_session_fork(const struct sshobs_task *parent,
					   struct task_struct *child)
{
	const unsigned long by_socket = BIT(SSHOBS_TASK_SERVER) | BIT(SSHOBS_TASK_UNSETTLED);
	struct sshobs_session *session;
	unsigned long inherited;

	if (READ_ONCE(parent->flags) & by_socket && fork_by_socket(parent, child, &session))
		return session;
	session = sshobs_task_session(parent);
	if (!session)
		return NULL;
	inherited = READ_ONCE(parent->flags) & BIT(SSHOBS_TASK_PROMPTED);
	if (!session_join(session, child, inherited))
		return NULL;
	task_given(sshobs_task_find(child),
		   sshobs_environ_get(rcu_dereference_check(parent->environ,
							    rcu_read_lock_any_held())));
	return session;
}

/* Whose the program is can't be known: each session that it may be of says so. */
static void exec_give_up(struct sshobs_session *own)
{
	unsigned int looked = 0;

	atomic64_inc(&tasks_untracked);
	iterate_fd(current->files, 0, held_give_up, &looked);
	if (own)
		sshobs_session_mark(own, SSHOBS_INCOMPLETE_TASKS);
	sshobs_session_leave(current);
}

/* Its exec has closed what it closes: what it holds now tells where it belongs. */
static struct sshobs_session *exec_settle(struct sshobs_task *entry)
{
	struct sshobs_session *own = entry->session;
	struct held held = { .files = current->files, .except = own };
	struct sshobs_session *session;

	held_find(&held);
	if (held.several) {
		exec_give_up(own);
		return NULL;
	}
	session = held.session && sshobs_session_hold(held.session) ? held.session : NULL;
	if (session) {
		WRITE_ONCE(entry->session, session);
		if (own)
			sshobs_session_put(own);
	} else {
		session = own;
	}
	if (!session) {
		sshobs_session_leave(current);
		return NULL;
	}
	/* Pairs with the test in sshobs_task_session(). */
	smp_mb__before_atomic();
	clear_bit(SSHOBS_TASK_UNSETTLED, &entry->flags);
	atomic_inc(&session->processes);
	return session;
}

struct sshobs_session *sshobs_session_exec(struct sshobs_task *entry, bool *late)
{
	struct sshobs_session *session;

	*late = test_bit(SSHOBS_TASK_UNSETTLED, &entry->flags);
	session = *late ? exec_settle(entry) : READ_ONCE(entry->session);
	if (!session)
		return NULL;
	clear_bit(SSHOBS_TASK_PROMPTED, &entry->flags);
	set_bit(SSHOBS_TASK_EXECED, &entry->flags);
	atomic_inc(&session->execs);
	task_given(entry, sshobs_environ_new());
	return session;
}

struct sshobs_environ *sshobs_session_environ(const struct task_struct *task)
{
	struct sshobs_environ *given = NULL;
	struct sshobs_task *entry;

	rcu_read_lock();
	entry = sshobs_task_find(task);
	if (entry)
		given = sshobs_environ_get(rcu_dereference(entry->environ));
	rcu_read_unlock();
	return given;
}

struct sshobs_session *sshobs_session_adopt_sock(const struct sock *sock, u64 start_ns, bool *born)
{
	struct sshobs_session *session = sshobs_session_of_sock(sock);

	*born = !session;
	if (!session)
		session = session_new(sock, start_ns);
	if (session && *born)
		sshobs_session_mark(session, SSHOBS_INCOMPLETE_ADOPTED);
	return session;
}

bool sshobs_session_adopt_task(struct sshobs_session *session, const struct task_struct *task)
{
	struct sshobs_session *left;

	if (!atomic_read(&task->signal->live) || sshobs_task_find(task))
		return false;
	if (!session_join(session, task, BIT(SSHOBS_TASK_PROMPTED)))
		return false;
	/* Where its exit went by before it was in the table, nobody will take it out. */
	smp_mb();
	if (atomic_read(&task->signal->live))
		return true;
	left = sshobs_session_leave(task);
	if (left) {
		atomic_dec(&session->processes);
		sshobs_session_put(left);
	}
	return false;
}

void sshobs_session_stats(struct sshobs_stats *stats)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	stats->sessions = sessions;
	stats->sessions_total = sessions_total;
	stats->tasks = tasks;
	stats->tasks_total = tasks_total;
	raw_spin_unlock_irqrestore(&table_lock, flags);
	stats->sessions_untracked = atomic64_read(&sessions_untracked);
	stats->tasks_untracked = atomic64_read(&tasks_untracked);
}
