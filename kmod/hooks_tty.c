// SPDX-License-Identifier: GPL-2.0
#include <linux/ptrace.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>

#include "hooks.h"
#include "reading.h"
#include "record.h"
#include "session.h"

static void tty_record(struct sshobs_session *session, enum sshobs_type type, u32 pts)
{
	struct sshobs_pty *rec = sshobs_record_begin(session, current, type, sizeof(*rec));

	if (!rec)
		return;
	rec->pts = pts;
	sshobs_record_end(rec);
}

/* devpts_pty_new(fsi, index, priv) */
static int devpts_pty_new_enter(struct kprobe *probe, struct pt_regs *regs)
{
	struct sshobs_session *session;

	sshobs_hit(SSHOBS_HOOK_DEVPTS_PTY_NEW);
	session = sshobs_session_current();
	if (session)
		tty_record(session, SSHOBS_PTY, regs_get_kernel_argument(regs, 1));
	return 0;
}

/* ptmx_open(inode, file): each call is somebody who wants a terminal, which is rare. */
static int ptmx_open_decide(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	sshobs_hit(SSHOBS_HOOK_PTMX_OPEN);
	return sshobs_call_begin((void *)slot->data, NULL);
}

static int ptmx_open_leave(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	struct sshobs_call *call = (void *)slot->data;
	int err = (int)regs_return_value(regs);
	struct sshobs_pty_fail *rec;

	sshobs_call_end(call);
	if (err >= 0)
		return 0;
	rec = sshobs_record_begin(call->session, current, SSHOBS_PTY_FAIL, sizeof(*rec));
	if (!rec)
		return 0;
	rec->error = -err;
	sshobs_record_end(rec);
	return 0;
}

static bool tty_is_pts(const struct tty_struct *tty)
{
	return tty->driver->type == TTY_DRIVER_TYPE_PTY &&
	       tty->driver->subtype == PTY_TYPE_SLAVE;
}

/* Both functions have the terminal as their first argument. */
static void tty_wait(struct pt_regs *regs)
{
	const struct tty_struct *tty = (void *)regs_get_kernel_argument(regs, 0);
	struct sshobs_task *entry = sshobs_task_find(current);
	struct sshobs_session *session = sshobs_task_session(entry);

	if (!session || !tty_is_pts(tty))
		return;
	/* Before its exec, a child runs its parent's program. */
	if (!test_bit(SSHOBS_TASK_EXECED, &entry->flags))
		return;
	if (test_and_set_bit(SSHOBS_TASK_PROMPTED, &entry->flags))
		return;
	tty_record(session, SSHOBS_PROMPT, tty->index);
	sshobs_reading_ask(session, tty->index);
}

static int n_tty_read_enter(struct kprobe *probe, struct pt_regs *regs)
{
	sshobs_hit(SSHOBS_HOOK_N_TTY_READ);
	tty_wait(regs);
	return 0;
}

static int n_tty_poll_enter(struct kprobe *probe, struct pt_regs *regs)
{
	sshobs_hit(SSHOBS_HOOK_N_TTY_POLL);
	tty_wait(regs);
	return 0;
}

struct sshobs_hook sshobs_hooks_tty[] = {
	{
		.id = SSHOBS_HOOK_DEVPTS_PTY_NEW,
		.core = true,
		.symbol = "devpts_pty_new",
		.enter = devpts_pty_new_enter,
	}, {
		.id = SSHOBS_HOOK_PTMX_OPEN,
		.symbol = "ptmx_open",
		.decide = ptmx_open_decide,
		.leave = ptmx_open_leave,
	}, {
		.id = SSHOBS_HOOK_N_TTY_READ,
		.symbol = "n_tty_read",
		.enter = n_tty_read_enter,
	}, {
		.id = SSHOBS_HOOK_N_TTY_POLL,
		.symbol = "n_tty_poll",
		.enter = n_tty_poll_enter,
	},
	{}
};
