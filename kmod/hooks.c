// SPDX-License-Identifier: GPL-2.0
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "hooks.h"
#include "session.h"

/*
 * Slots of each return probe, for calls that are under way at the same time, and how
 * many of them one session may hold. Slots are some 100 bytes each.
 */
#define SLOTS		1024
#define SLOTS_SESSION	32

DEFINE_PER_CPU(unsigned long[SSHOBS_HOOKS], sshobs_hits);

/* All of them, in the order of their numbers. */
static struct sshobs_hook *hooks[SSHOBS_HOOKS];

static atomic64_t unwatched;

void sshobs_call_unwatched(struct sshobs_session *session)
{
	atomic64_inc(&unwatched);
	sshobs_session_mark(session, SSHOBS_INCOMPLETE_UNWATCHED);
}

int sshobs_call_begin(struct sshobs_call *call, const void *arg)
{
	struct sshobs_session *session = sshobs_session_current();

	if (!session)
		return 1;
	if (!sshobs_count_in(&session->watched, SLOTS_SESSION)) {
		sshobs_call_unwatched(session);
		return 1;
	}
	call->session = session;
	call->arg = arg;
	return 0;
}

void sshobs_call_end(struct sshobs_call *call)
{
	atomic_dec(&call->session->watched);
}

static void tracepoint_match(struct tracepoint *tracepoint, void *data)
{
	struct sshobs_hook *hook = data;

	if (!strcmp(tracepoint->name, hook->symbol))
		hook->tracepoint = tracepoint;
}

static int hook_trace(struct sshobs_hook *hook)
{
	hook->tracepoint = NULL;
	for_each_kernel_tracepoint(tracepoint_match, hook);
	if (!hook->tracepoint)
		return -ENOENT;
	return tracepoint_probe_register(hook->tracepoint, hook->trace, NULL);
}

/* What the kernel was given before is used up: it is filled anew each time. */
static int hook_enter(struct sshobs_hook *hook)
{
	hook->kprobe = (struct kprobe) {
		.symbol_name = hook->symbol,
		.pre_handler = hook->enter,
	};
	return register_kprobe(&hook->kprobe);
}

static int hook_leave(struct sshobs_hook *hook)
{
	hook->kretprobe = (struct kretprobe) {
		.kp.symbol_name = hook->symbol,
		.entry_handler = hook->decide,
		.handler = hook->leave,
		.data_size = sizeof(struct sshobs_call),
		.maxactive = SLOTS,
	};
	return register_kretprobe(&hook->kretprobe);
}

/*
 * Have ops called for one function. Without memory for it, ftrace says that all is well, and
 * leaves the filter empty, as it is after a reset: with that, it calls for every function.
 */
static int filter_one(struct ftrace_ops *ops, char *symbol)
{
	const void *empty;
	int err;

	err = ftrace_set_filter(ops, NULL, 0, 1);
	if (err)
		return err;
	empty = SSHOBS_FTRACE_FILTER(ops);
	err = ftrace_set_filter(ops, symbol, strlen(symbol), 1);
	/* How it says that there is no such function. */
	if (err == -EINVAL)
		err = -ENOENT;
	if (!err && SSHOBS_FTRACE_FILTER(ops) == empty)
		err = -ENOMEM;
	return err;
}

/* As long as it is in place, kernel.ftrace_enabled cannot be turned off. */
static int hook_call(struct sshobs_hook *hook)
{
	char symbol[KSYM_NAME_LEN];
	int err;

	if (!IS_ENABLED(CONFIG_DYNAMIC_FTRACE))
		return -EOPNOTSUPP;
	hook->ops = (struct ftrace_ops){
		.func = hook->call,
		.flags = FTRACE_OPS_FL_PERMANENT | SSHOBS_FTRACE_FLAGS,
	};
	strscpy(symbol, hook->symbol, sizeof(symbol));
	err = filter_one(&hook->ops, symbol);
	if (!err)
		err = register_ftrace_function(&hook->ops);
	if (err)
		ftrace_set_filter(&hook->ops, NULL, 0, 1);
	return err;
}

static int hook_install(struct sshobs_hook *hook)
{
	int err;

	if (hook->trace)
		err = hook_trace(hook);
	else if (hook->call)
		err = hook_call(hook);
	else if (hook->leave)
		err = hook_leave(hook);
	else
		err = hook_enter(hook);
	hook->active = !err;
	return err;
}

/* The filter's memory goes with its last function. */
static void hook_uncall(struct sshobs_hook *hook)
{
	unregister_ftrace_function(&hook->ops);
	ftrace_set_filter(&hook->ops, NULL, 0, 1);
}

static void hook_remove(struct sshobs_hook *hook)
{
	if (!hook->active)
		return;
	if (hook->trace)
		tracepoint_probe_unregister(hook->tracepoint, hook->trace, NULL);
	else if (hook->call)
		hook_uncall(hook);
	else if (hook->leave)
		unregister_kretprobe(&hook->kretprobe);
	else
		unregister_kprobe(&hook->kprobe);
	hook->active = false;
}

static void hooks_collect(struct sshobs_hook *table)
{
	for (; table->symbol; table++)
		hooks[table->id] = table;
}

int sshobs_hooks_init(void)
{
	unsigned int i;
	int err;

	hooks_collect(sshobs_hooks_tcp);
	hooks_collect(sshobs_hooks_wire);
	hooks_collect(sshobs_hooks_sock);
	hooks_collect(sshobs_hooks_task);
	hooks_collect(sshobs_hooks_tty);
	for (i = 0; i < SSHOBS_HOOKS; i++) {
		const char *symbol = hooks[i]->symbol;

		if (hooks[i]->unneeded)
			continue;
		err = hook_install(hooks[i]);
		if (!err)
			continue;
		if (hooks[i]->core) {
			pr_err("this kernel has no %s to probe: error %d\n", symbol, err);
			sshobs_hooks_exit();
			return err;
		}
		pr_info("this kernel has no %s to probe: its events will be absent\n", symbol);
	}
	return 0;
}

void sshobs_hooks_exit(void)
{
	unsigned int i = SSHOBS_HOOKS;

	while (i--)
		hook_remove(hooks[i]);
	tracepoint_synchronize_unregister();
}

bool sshobs_hooks_active(enum sshobs_hook_id id)
{
	return hooks[id]->active;
}

static u64 hook_misses(const struct sshobs_hook *hook)
{
	if (hook->trace || hook->call)
		return 0;
	if (hook->leave)
		return hook->kretprobe.nmissed + hook->kretprobe.kp.nmissed;
	return hook->kprobe.nmissed;
}

u64 sshobs_hooks_missed(void)
{
	unsigned int i;
	u64 missed = 0;

	for (i = 0; i < SSHOBS_HOOKS; i++)
		missed += hook_misses(hooks[i]);
	return missed;
}

u64 sshobs_hooks_unwatched(void)
{
	return atomic64_read(&unwatched);
}

static u64 hook_hits(const struct sshobs_hook *hook)
{
	u64 hits = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		hits += READ_ONCE(per_cpu(sshobs_hits[hook->id], cpu));
	return hits;
}

static const char *hook_kind(const struct sshobs_hook *hook)
{
	if (hook->trace)
		return "tracepoint";
	if (hook->call)
		return "ftrace";
	return hook->leave ? "kretprobe" : "kprobe";
}

u64 sshobs_hooks_seen(enum sshobs_hook_id id)
{
	return hook_hits(hooks[id]) + hook_misses(hooks[id]);
}

void sshobs_hooks_tried(enum sshobs_hook_id id, bool called, bool fired)
{
	struct sshobs_hook *hook = hooks[id];

	WRITE_ONCE(hook->tried, called && hook->active);
	WRITE_ONCE(hook->silent, called && hook->active && !fired);
}

int sshobs_hooks_alive(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < SSHOBS_HOOKS; i++) {
		if (!hooks[i]->silent)
			continue;
		if (hooks[i]->core)
			err = -ENXIO;
		pr_err("%s was called, and its %s did not fire%s\n", hooks[i]->symbol,
		       hook_kind(hooks[i]),
		       hooks[i]->core ? "" : ": its events will be absent");
	}
	return err;
}

/* A module's function goes with the module; kprobes can be switched off one by one. */
static bool hook_armed(const struct sshobs_hook *hook)
{
	if (!hook->active || hook->trace)
		return hook->active;
	if (hook->call)
		return hook->ops.flags & FTRACE_OPS_FL_ENABLED;
	return !((hook->leave ? &hook->kretprobe.kp : &hook->kprobe)->flags &
		 (KPROBE_FLAG_DISABLED | KPROBE_FLAG_GONE));
}

int sshobs_hooks_probe(struct sshobs_probe *probe)
{
	const struct sshobs_hook *hook;

	if (probe->index >= SSHOBS_HOOKS)
		return -ENOENT;
	hook = hooks[probe->index];
	probe->flags = (hook_armed(hook) ? SSHOBS_PROBE_ACTIVE : 0) |
		       (hook->core ? SSHOBS_PROBE_CORE : 0) |
		       (hook->unneeded ? SSHOBS_PROBE_UNNEEDED : 0) |
		       (READ_ONCE(hook->tried) ? SSHOBS_PROBE_TRIED : 0) |
		       (READ_ONCE(hook->silent) ? SSHOBS_PROBE_SILENT : 0);
	probe->hits = hook_hits(hook);
	probe->misses = hook_misses(hook);
	strscpy(probe->kind, hook_kind(hook), sizeof(probe->kind));
	strscpy(probe->symbol, hook->symbol, sizeof(probe->symbol));
	return 0;
}
