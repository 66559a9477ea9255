/* SPDX-License-Identifier: ISC */
/* hash - one password to be verified against a hash of crypt(3) or a verifier of SCRAM, on a thread
 * of the pool. */
#ifndef POSTERN_WORKER_ACCOUNTS_HASH_H
#define POSTERN_WORKER_ACCOUNTS_HASH_H

#include <crypt.h>
#include <stdbool.h>

#include "common/proto/types.h"
#include "worker/accounts/pool.h"

struct hash_job {
	struct pool_job job;          /* run: hash_run() */
	char password[PASSWORD_SIZE]; /* wiped as soon as it is used */
	char hash[CRYPT_OUTPUT_SIZE]; /* or a setting alone: then nothing matches */
	bool match;
	void *arg;
};

void hash_run(struct pool_job *);

#endif
