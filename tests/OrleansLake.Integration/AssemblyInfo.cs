// Two collections, side by side: tests that use the whole machine, one after the other, and tests that mostly wait.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
