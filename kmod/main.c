// SPDX-License-Identifier: GPL-2.0
/* The order of init is the architecture; exit is its exact reverse. */
#include <linux/log2.h>
#include <linux/module.h>

#include "adopt.h"
#include "cdev.h"
#include "connecting.h"
#include "handshake.h"
#include "hooks.h"
#include "reading.h"
#include "record.h"
#include "ring.h"
#include "session.h"
#include "trial.h"

#define PORTS_MAX	16

static unsigned short ports[PORTS_MAX] = { 22 };
static unsigned int ports_count = 1;
module_param_array(ports, ushort, &ports_count, 0444);
MODULE_PARM_DESC(ports, "TCP ports whose connections are sessions, 1 to 16 of them (default 22)");

static unsigned int ring_kb = 4096;
module_param(ring_kb, uint, 0444);
MODULE_PARM_DESC(ring_kb, "size of the record ring in KiB, 64 to 1048576, rounded up to a power of two (default 4096)");

static unsigned int max_sessions = 4096;
module_param(max_sessions, uint, 0444);
MODULE_PARM_DESC(max_sessions, "sessions that are followed at the same time, 1 to 1048576 (default 4096)");

static unsigned int max_tasks = 65536;
module_param(max_tasks, uint, 0444);
MODULE_PARM_DESC(max_tasks, "processes that are followed at the same time, 1 to 4194304 (default 65536)");

static int check_range(const char *name, unsigned int value, unsigned int low, unsigned int high)
{
	if (value >= low && value <= high)
		return 0;
	pr_err("%s=%u is out of range: it can be %u to %u\n", name, value, low, high);
	return -EINVAL;
}

static int check_parameters(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ports_count; i++) {
		err = check_range("ports", ports[i], 1, 65535);
		if (err)
			return err;
	}
	err = check_range("ring_kb", ring_kb, 64, 1 << 20);
	if (err)
		return err;
	err = check_range("max_sessions", max_sessions, 1, 1 << 20);
	if (err)
		return err;
	return check_range("max_tasks", max_tasks, 1, 1 << 22);
}

static void main_stats(struct sshobs_stats *stats)
{
	sshobs_session_stats(stats);
	sshobs_hooks_tcp_stats(stats);
	stats->missed = sshobs_hooks_missed();
	stats->unwatched = sshobs_hooks_unwatched();
}

static void main_mark(const char *text, size_t len)
{
	struct sshobs_mark *rec;

	preempt_disable();
	rec = sshobs_record_begin(sshobs_session_current(), current, SSHOBS_MARK,
				  sizeof(*rec) + len);
	if (rec) {
		rec->text_len = len;
		memcpy(rec->text, text, len);
		sshobs_record_end(rec);
	}
	preempt_enable();
}

static const struct sshobs_cdev_source source = {
	.stats		= main_stats,
	.probe		= sshobs_hooks_probe,
	.trial		= sshobs_trial,
	.mark		= main_mark,
};

static int __init sshobs_init(void)
{
	int err;

	err = check_parameters();
	if (err)
		return err;
	ring_kb = roundup_pow_of_two(ring_kb);
	err = sshobs_ring_init((size_t)ring_kb << 10);
	if (err)
		return err;
	err = sshobs_session_init(max_sessions, max_tasks, sshobs_hooks_missed);
	if (err)
		goto exit_ring;
	err = sshobs_reading_init();
	if (err)
		goto exit_session;
	err = sshobs_handshake_init();
	if (err)
		goto exit_reading;
	err = sshobs_connecting_init();
	if (err)
		goto exit_handshake;
	sshobs_hooks_tcp_ports(ports, ports_count);
	err = sshobs_hooks_init();
	if (err)
		goto exit_connecting;
	err = sshobs_adopt();
	if (err)
		goto exit_hooks;
	err = sshobs_trial() ?: sshobs_hooks_alive();
	if (err)
		goto exit_hooks;
	err = sshobs_cdev_init(&source);
	if (err)
		goto exit_hooks;
	return 0;

exit_hooks:
	sshobs_hooks_exit();
exit_connecting:
	sshobs_connecting_exit();
exit_handshake:
	sshobs_handshake_exit();
exit_reading:
	sshobs_reading_exit();
exit_session:
	sshobs_session_exit();
exit_ring:
	sshobs_ring_exit();
	return err;
}

static void __exit sshobs_exit(void)
{
	sshobs_cdev_exit();
	sshobs_hooks_exit();
	sshobs_connecting_exit();
	sshobs_handshake_exit();
	sshobs_reading_exit();
	sshobs_session_exit();
	sshobs_ring_exit();
}

module_init(sshobs_init);
module_exit(sshobs_exit);

MODULE_DESCRIPTION("What happens during an SSH login, event by event");
MODULE_LICENSE("GPL");
MODULE_VERSION(SSHOBS_VERSION);
