/* The highest score of each of the last days, so that a fall can be measured. Notes of a day older
 * than the window are lost. */
#include "workers/account_state.h"

void rt_account_forget_peaks(struct rt_account *account)
{
    account->peak_day = -1;
    for (int i = 0; i < RT_PEAK_DAYS; i++)
        account->peaks[i] = -1;
}

static void move_to(struct rt_account *account, int32_t day)
{
    int64_t by = account->peak_day < 0 ? RT_PEAK_DAYS : (int64_t)day - account->peak_day;

    for (int i = RT_PEAK_DAYS - 1; i >= 0; i--)
        account->peaks[i] = i - by >= 0 ? account->peaks[i - by] : -1;
    account->peak_day = day;
}

void rt_account_note_peak(struct rt_account *account, int32_t day, double score)
{
    int32_t age;

    if (day > account->peak_day)
        move_to(account, day);
    age = account->peak_day - day;
    if (age < RT_PEAK_DAYS && (float)score > account->peaks[age])
        account->peaks[age] = (float)score;
}

double rt_account_peak(const struct rt_account *account, int32_t since)
{
    float best = -1;

    for (int i = 0; i < RT_PEAK_DAYS && account->peak_day - i >= since; i++)
        if (account->peak_day >= 0 && account->peaks[i] > best)
            best = account->peaks[i];
    return best;
}
