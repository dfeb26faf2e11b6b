namespace OrleansLake.Grains;

/// <summary>Which silo should have which topic-partition: as even as can be, with as few moves as can be.</summary>
internal static class EvenSpread
{
    /// <summary>A home for each of <paramref name="all"/>: no silo has more than one more than another.</summary>
    /// <param name="all">What is to be spread; neighbours without a home go to neighbouring silos.</param>
    /// <param name="homes">Where they are; one that is not among <paramref name="silos"/> counts as none.</param>
    /// <param name="silos">The silos, at least one.</param>
    /// <param name="start">Which silo is the first to get one more: it differs from pipeline to pipeline, so that many small ones spread too.</param>
    public static Dictionary<TItem, TSilo> Plan<TItem, TSilo>(
        IReadOnlyCollection<TItem> all, IReadOnlyDictionary<TItem, TSilo> homes, IReadOnlyList<TSilo> silos, uint start)
        where TItem : notnull
        where TSilo : notnull
    {
        TSilo[] order = [.. Enumerable.Range(0, silos.Count).Select(index => silos[(int)((start + (uint)index) % (uint)silos.Count)])];
        ILookup<TSilo, TItem> present = all.Where(item => homes.TryGetValue(item, out TSilo? home) && order.Contains(home)).ToLookup(item => homes[item]);
        // The one more goes to those that have it already.
        Dictionary<TSilo, int> room = order.OrderByDescending(silo => present[silo].Count()).Select((silo, rank) => (silo, rank))
            .ToDictionary(pair => pair.silo, pair => (all.Count / order.Length) + (pair.rank < all.Count % order.Length ? 1 : 0));
        var plan = new Dictionary<TItem, TSilo>(all.Count);
        foreach (TSilo silo in order)
        {
            foreach (TItem item in present[silo].Take(room[silo]))
            {
                plan.Add(item, silo);
                room[silo]--;
            }
        }

        int next = 0;
        foreach (TItem item in all.Where(item => !plan.ContainsKey(item)))
        {
            while (room[order[next % order.Length]] == 0)
            {
                next++;
            }

            TSilo silo = order[next++ % order.Length];
            plan.Add(item, silo);
            room[silo]--;
        }

        return plan;
    }
}
