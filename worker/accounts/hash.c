/* SPDX-License-Identifier: ISC */
#include "worker/accounts/hash.h"

#include <string.h>

/* Takes as long wherever the first difference is. */
static bool
same(const char *a, const char *b, size_t length)
{
	volatile unsigned char difference = 0;

	for (size_t i = 0; i < length; i++)
		difference = (unsigned char)(difference | (a[i] ^ b[i]));
	return difference == 0;
}

void
hash_run(struct pool_job *pool_job)
{
	/* 32 KB; a thread's own, so that it can't fail to be there. */
	static _Thread_local struct crypt_data data;
	struct hash_job *job = (struct hash_job *)(void *)pool_job;
	const char *made = crypt_rn(job->password, job->hash, &data, (int)sizeof(data));
	size_t length = strlen(job->hash);

	job->match = made != NULL && strlen(made) == length && same(made, job->hash, length);
	explicit_bzero(job->password, sizeof(job->password));
	explicit_bzero(&data, sizeof(data));
}
