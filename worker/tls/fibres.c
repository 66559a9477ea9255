/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/tls/fibres.h"

#include <openssl/async.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

static unsigned users; /* more than one is for tests only */

static int
idle_job(void *arg)
{
	(void)arg;
	return 1;
}

/*
 * Runs one job, so that the first handshake finds it all there.
 *
 * OpenSSL leaves a fibre by longjmp(). AddressSanitizer, which sees a stack it does not know, says
 * once a process that it can't unpoison that stack (which is right: the fibre goes on using it). It
 * is let to say so here, to nobody.
 */
int
fibres_start(void)
{
	ASYNC_WAIT_CTX *wait = ASYNC_WAIT_CTX_new();
	ASYNC_JOB *job = NULL;
	int result = 0, ok;
#ifdef SANITIZED
	int nowhere = memfd_create("nowhere", MFD_CLOEXEC); /* a chroot has no /dev/null */

	__sanitizer_set_report_fd((void *)(intptr_t)nowhere);
#endif
	ok = ASYNC_is_capable() && wait != NULL &&
	     (users > 0 || ASYNC_init_thread(FIBRES_MAX, 0) == 1) &&
	     ASYNC_start_job(&job, wait, &result, idle_job, NULL, 0) == ASYNC_FINISH;
#ifdef SANITIZED
	__sanitizer_set_report_fd((void *)(intptr_t)STDERR_FILENO);
	if (nowhere != -1)
		close(nowhere);
#endif
	ASYNC_WAIT_CTX_free(wait);
	if (!ok)
		return -1;
	users++;
	return 0;
}

void
fibres_end(void)
{
	if (--users == 0)
		ASYNC_cleanup_thread();
}
