/* SPDX-License-Identifier: ISC */
/* Starting a child: fork, two descriptors, exec. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"

/* Puts FD at TARGET, without close-on-exec. */
static int
place(int fd, int target)
{
	if (fd == target)
		return fcntl(fd, F_SETFD, 0);
	return dup2(fd, target) == target ? 0 : -1;
}

/* In the new process: no signal handler, no blocked signal, no descriptor of the parent's. */
static _Noreturn void
become_program(const struct child_spec *spec, int control)
{
	char role[32], format[16];
	char *arguments[] = {NULL, role, format, NULL};
	char *environment[] = {NULL};
	sigset_t none;
	int null, log, high;

	strlcpy(role, spec->role, sizeof(role));
	strlcpy(format, log_format_name(log_get_format()), sizeof(format));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Both out of the way of 0..3 first, so that neither overwrites the other. */
	log = fcntl(spec->log_fd, F_DUPFD_CLOEXEC, CHILD_CONTROL_FD + 1);
	high = fcntl(control, F_DUPFD_CLOEXEC, CHILD_CONTROL_FD + 1);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (log == -1 || high == -1 || null == -1 || place(null, 0) == -1 || place(null, 1) == -1 ||
	    place(log, 2) == -1 || place(high, CHILD_CONTROL_FD) == -1)
		_exit(127);
	closefrom(CHILD_CONTROL_FD + 1);
	arguments[0] = strdup(spec->program);
	execve(spec->program, arguments, environment);
	log_event(LOG_CRIT, "child.exec_failed", KV_STR("program", spec->program), KV_ERRNO(errno));
	_exit(127);
}

pid_t
child_spawn(const struct child_spec *spec, int *control, struct error *err)
{
	int sv[2];
	pid_t pid;

	if (ipc_pair(sv) == -1)
		return error_errno(err, "making the control channel of %s", spec->role);
	pid = fork();
	if (pid == 0) {
		close(sv[0]);
		become_program(spec, sv[1]);
	}
	close(sv[1]);
	if (pid == -1) {
		close(sv[0]);
		return error_errno(err, "forking %s", spec->role);
	}
	/* The socket is fresh: this can only fail if the child is gone, which waitpid() tells. */
	(void)ipc_send_fd(sv[0], MC_IDENTITY, 0, spec->identity, sizeof(*spec->identity), NULL, 0,
			  -1);
	*control = sv[0];
	return pid;
}
