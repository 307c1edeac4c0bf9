/* The highest score of each of the last days, so that a fall can be measured. Kept as 1 + score in
 * steps of 100/65000, rounded down: a fall is never taken for larger than it was. Notes of a day
 * older than the window are lost. Snapshots hold them; those since are noted again by recovery
 * (recover.c). */
#include "workers/account_state.h"

#define STEPS 650.0 /* a point of score */

void rt_account_forget_peaks(struct rt_account *account)
{
    account->peak_day = -1;
    memset(account->peaks, 0, sizeof(account->peaks));
}

static void move_to(struct rt_account *account, int32_t day)
{
    int64_t by = account->peak_day < 0 ? RT_PEAK_DAYS : (int64_t)day - account->peak_day;

    for (int i = RT_PEAK_DAYS - 1; i >= 0; i--)
        account->peaks[i] = i - by >= 0 ? account->peaks[i - by] : 0;
    account->peak_day = day;
}

void rt_account_note_peak(struct rt_account *account, int32_t day, double score)
{
    uint16_t kept = (uint16_t)(1 + score * STEPS);
    int32_t age;

    if (day > account->peak_day)
        move_to(account, day);
    age = account->peak_day - day;
    if (age < RT_PEAK_DAYS && kept > account->peaks[age])
        account->peaks[age] = kept;
}

double rt_account_peak(const struct rt_account *account, int32_t since)
{
    uint16_t best = 0;

    if (account->peak_day < 0)
        return -1;
    for (int i = 0; i < RT_PEAK_DAYS && account->peak_day - i >= since; i++)
        if (account->peaks[i] > best)
            best = account->peaks[i];
    return best == 0 ? -1 : (best - 1) / STEPS;
}
