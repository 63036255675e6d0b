/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether the hooks are alive: the functions that they watch are called on purpose, and
 * each must fire. The kernel takes a probe without an error that it will never call, be
 * it that all probes are switched off or that the callers have a copy of the function.
 */
#ifndef _SSHOBS_TRIAL_H
#define _SSHOBS_TRIAL_H

/**
 * sshobs_trial() - call what is hooked, and note which hooks fire
 *
 * All of it is done by a helper that the kernel starts, which is in no session, so that
 * it leaves no record, and which sees the host's files, as a kernel thread no longer does
 * in 7.x; and as far as it goes without an effect on the host: calls that are refused, one
 * connection of the loopback device to itself, one pseudo terminal, and the exec of a
 * program that is ended before its first instruction. What can't be called, as where the
 * loopback device is down or /dev/ptmx is missing, stays untried.
 *
 * Context: may sleep, some seconds at the most; one at a time. After sshobs_hooks_init().
 * Return: 0, whatever was found, which is told by sshobs_hooks_probe(); -ENOMEM or -EINTR.
 */
int sshobs_trial(void);

#endif /* _SSHOBS_TRIAL_H */
