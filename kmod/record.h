/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A record's way into the ring: its header is filled from the task and the
 * session, its body by whoever knows the event.
 */
#ifndef _SSHOBS_RECORD_H
#define _SSHOBS_RECORD_H

#include <linux/types.h>

#include "../uapi/sshobs.h"

struct sshobs_session;
struct task_struct;

/**
 * sshobs_record_begin() - start a record
 * @session: the session that it belongs to, held by the caller; or NULL
 * @task: the task that the event happened in; other than current, it must be
 *	kept by RCU or a reference; NULL: it happened on the network, in no task
 * @type: enum sshobs_type
 * @size: bytes of the body, at most SSHOBS_RECORD_MAX less the header
 *
 * Must be followed by sshobs_record_end(), without sleeping or being preempted in
 * between: the caller has preemption off, as every probe's handler has.
 *
 * Context: any but NMI, preemption off. Return: the body, zeroed; or NULL where
 * the ring had no room, which marks the session as incomplete.
 */
void *sshobs_record_begin(struct sshobs_session *session, struct task_struct *task,
			  enum sshobs_type type, size_t size);

/**
 * sshobs_record_end() - let readers see a record
 * @body: what sshobs_record_begin() returned
 *
 * Context: any but NMI.
 */
void sshobs_record_end(void *body);

/**
 * sshobs_record_time() - when a record was begun
 * @body: what sshobs_record_begin() returned
 *
 * Context: any. Return: the time_ns of its header.
 */
static inline u64 sshobs_record_time(const void *body)
{
	return ((const struct sshobs_hdr *)body - 1)->time_ns;
}

#endif /* _SSHOBS_RECORD_H */
