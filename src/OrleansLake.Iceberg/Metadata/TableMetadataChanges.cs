namespace OrleansLake.Iceberg;

/// <summary>Changes of metadata as the REST specification has them: what must hold, and what is done in order.</summary>
public static class TableMetadataChanges
{
    /// <summary>The metadata after the updates. The time of change is never before that of the metadata it was made on.</summary>
    /// <exception cref="ArgumentException">An update makes no sense on these metadata.</exception>
    public static TableMetadata Apply(this TableMetadata metadata, IReadOnlyList<TableUpdate> updates, TimeProvider time)
    {
        if (updates.Count == 0)
        {
            return metadata;
        }

        // A clock that steps back must not make the table unreadable to Java, which wants the logs in order.
        long now = Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), metadata.LastUpdatedMs + 1);
        var change = new Change(metadata, now);
        foreach (var update in updates)
        {
            change.Apply(update);
        }

        return change.Result();
    }

    /// <summary>The first requirement that does not hold, said in words; null when all hold.</summary>
    public static string? Violated(this TableMetadata metadata, IReadOnlyList<TableRequirement> requirements)
    {
        foreach (var requirement in requirements)
        {
            string? violated = requirement switch
            {
                TableRequirement.AssertCreate => "expected no table, got one",
                TableRequirement.AssertTableUuid(var uuid) => Differs("table uuid", uuid, metadata.TableUuid),
                TableRequirement.AssertRefSnapshotId(var name, var id) => Differs($"snapshot of ref {name}", id, metadata.Refs.GetValueOrDefault(name)?.SnapshotId),
                TableRequirement.AssertLastAssignedFieldId(int id) => Differs("last assigned field id", id, metadata.LastColumnId),
                TableRequirement.AssertCurrentSchemaId(int id) => Differs("current schema id", id, metadata.CurrentSchemaId),
                TableRequirement.AssertLastAssignedPartitionId(int id) => Differs("last assigned partition id", id, metadata.LastPartitionId),
                TableRequirement.AssertDefaultSpecId(int id) => Differs("default spec id", id, metadata.DefaultSpecId),
                TableRequirement.AssertDefaultSortOrderId(int id) => Differs("default sort order id", id, metadata.DefaultSortOrderId),
                _ => throw new ArgumentException($"unknown requirement {requirement}"),
            };
            if (violated is not null)
            {
                return violated;
            }
        }

        return null;
    }

    private static string? Differs<T>(string what, T expected, T got) =>
        EqualityComparer<T>.Default.Equals(expected, got) ? null : $"{what}: expected {Text(expected)}, got {Text(got)}";

    private static string Text<T>(T value) => value?.ToString() ?? "none";

    private sealed class Change(TableMetadata metadata, long now)
    {
        private readonly HashSet<long> _added = [];
        private TableMetadata _metadata = metadata;
        private int? _lastSchema, _lastSpec, _lastOrder;
        private long _lastUpdatedMs = now;

        public TableMetadata Result() => _metadata with { LastUpdatedMs = _lastUpdatedMs };

        public void Apply(TableUpdate update) => _metadata = update switch
        {
            TableUpdate.AssignUuid(var uuid) => _metadata with { TableUuid = uuid },
            TableUpdate.UpgradeFormatVersion(int version) => Upgrade(version),
            TableUpdate.AddSchema add => AddSchema(add.Schema, add.LastColumnId),
            TableUpdate.SetCurrentSchema(int id) => _metadata with
            {
                CurrentSchemaId = Known("schema", id, _lastSchema, _metadata.Schemas.Select(schema => schema.SchemaId)),
            },
            TableUpdate.AddPartitionSpec(var spec) => AddSpec(spec),
            TableUpdate.SetDefaultSpec(int id) => _metadata with
            {
                DefaultSpecId = Known("partition spec", id, _lastSpec, _metadata.PartitionSpecs.Select(spec => spec.SpecId)),
            },
            TableUpdate.AddSortOrder(var order) => AddOrder(order),
            TableUpdate.SetDefaultSortOrder(int id) => _metadata with
            {
                DefaultSortOrderId = Known("sort order", id, _lastOrder, _metadata.SortOrders.Select(order => order.OrderId)),
            },
            TableUpdate.AddSnapshot(var snapshot) => AddSnapshot(snapshot),
            TableUpdate.SetSnapshotRef(var name, var reference) => SetRef(name, reference),
            TableUpdate.RemoveSnapshotRef(var name) => RemoveRef(name),
            TableUpdate.RemoveSnapshots(var ids) => RemoveSnapshots([.. ids]),
            TableUpdate.SetLocation(var location) => _metadata with { Location = location.TrimEnd('/') },
            TableUpdate.SetProperties(var updates) => SetProperties(updates),
            TableUpdate.RemoveProperties(var removals) => _metadata with
            {
                Properties = _metadata.Properties.Where(pair => !removals.Contains(pair.Key)).ToDictionary(),
            },
            TableUpdate.SetStatistics(var file) => _metadata with
            {
                Statistics = [.. _metadata.Statistics.Where(one => one.SnapshotId != file.SnapshotId), file],
            },
            TableUpdate.RemoveStatistics(long id) => _metadata with { Statistics = [.. _metadata.Statistics.Where(one => one.SnapshotId != id)] },
            TableUpdate.SetPartitionStatistics(var file) => _metadata with
            {
                PartitionStatistics = [.. _metadata.PartitionStatistics.Where(one => one.SnapshotId != file.SnapshotId), file],
            },
            TableUpdate.RemovePartitionStatistics(long id) => _metadata with
            {
                PartitionStatistics = [.. _metadata.PartitionStatistics.Where(one => one.SnapshotId != id)],
            },
            TableUpdate.RemovePartitionSpecs(var ids) => RemoveSpecs([.. ids]),
            TableUpdate.RemoveSchemas(var ids) => RemoveSchemas([.. ids]),
            TableUpdate.AddEncryptionKey(var key) => _metadata with
            {
                EncryptionKeys = [.. _metadata.EncryptionKeys.Where(one => one.KeyId != key.KeyId), key],
            },
            TableUpdate.RemoveEncryptionKey(var id) => _metadata with { EncryptionKeys = [.. _metadata.EncryptionKeys.Where(one => one.KeyId != id)] },
            _ => throw new ArgumentException($"unknown update {update}"),
        };

        private static int Known(string what, int id, int? last, IEnumerable<int> ids)
        {
            if (id == -1)
            {
                return last ?? throw new ArgumentException($"set {what} -1: expected one to be added before");
            }

            return ids.Contains(id) ? id : throw new ArgumentException($"set {what}: expected one of the table's, got {id}");
        }

        private TableMetadata Upgrade(int version)
        {
            if (version < _metadata.FormatVersion || version > 3)
            {
                throw new ArgumentException($"format version: expected {_metadata.FormatVersion} to 3, got {version}");
            }

            return _metadata with { FormatVersion = version, NextRowId = version >= 3 ? _metadata.NextRowId ?? 0 : null };
        }

        private TableMetadata AddSchema(Schema schema, int? lastColumnId)
        {
            SchemaRules.Check(schema, _metadata.FormatVersion);
            var same = _metadata.Schemas.FirstOrDefault(one => one.Fields.SequenceEqual(schema.Fields) && one.IdentifierFieldIds.SequenceEqual(schema.IdentifierFieldIds));
            if (same is not null)
            {
                _lastSchema = same.SchemaId;
                return _metadata;
            }

            int id = _metadata.Schemas.Max(one => one.SchemaId) + 1;
            _lastSchema = id;
            int highest = schema.AllFields().Select(field => field.Id).Append(lastColumnId ?? 0).Max();
            return _metadata with
            {
                Schemas = [.. _metadata.Schemas, schema with { SchemaId = id }],
                LastColumnId = Math.Max(_metadata.LastColumnId, highest),
            };
        }

        private TableMetadata AddSpec(PartitionSpec spec)
        {
            int last = _metadata.LastPartitionId;
            var fields = spec.Fields.Select(field => field.FieldId >= SpecJson.FirstFieldId ? field : field with { FieldId = OldId(field) ?? ++last }).ToList();
            SchemaRules.Check(spec with { Fields = fields }, _metadata.CurrentSchema);
            var same = _metadata.PartitionSpecs.FirstOrDefault(one => one.Fields.Count == fields.Count && one.Fields.Zip(fields).All(pair => Same(pair.First, pair.Second)));
            if (same is not null)
            {
                _lastSpec = same.SpecId;
                return _metadata;
            }

            int id = _metadata.PartitionSpecs.Max(one => one.SpecId) + 1;
            _lastSpec = id;
            return _metadata with
            {
                PartitionSpecs = [.. _metadata.PartitionSpecs, new PartitionSpec { SpecId = id, Fields = fields }],
                LastPartitionId = fields.Select(field => field.FieldId).Append(last).Max(),
            };

            // The same transform of the same source keeps its id through all specs.
            int? OldId(PartitionField field) => _metadata.PartitionSpecs.SelectMany(one => one.Fields)
                .FirstOrDefault(old => old.Transform == field.Transform && old.SourceIds.SequenceEqual(field.SourceIds))?.FieldId;
        }

        private static bool Same(PartitionField one, PartitionField other) =>
            one.FieldId == other.FieldId && one.Name == other.Name && one.Transform == other.Transform && one.SourceIds.SequenceEqual(other.SourceIds);

        private TableMetadata AddOrder(SortOrder order)
        {
            SchemaRules.Check(order, _metadata.CurrentSchema);
            var same = order.Fields.Count == 0 ? new SortOrder { OrderId = 0, Fields = [] } : _metadata.SortOrders.FirstOrDefault(one =>
                one.Fields.Count == order.Fields.Count && one.Fields.Zip(order.Fields).All(pair =>
                    pair.First.SourceIds.SequenceEqual(pair.Second.SourceIds) && pair.First.Transform == pair.Second.Transform
                    && pair.First.Descending == pair.Second.Descending && pair.First.NullsLast == pair.Second.NullsLast));
            int id = same?.OrderId ?? Math.Max(1, _metadata.SortOrders.Select(one => one.OrderId).DefaultIfEmpty(0).Max() + 1);
            _lastOrder = id;
            return _metadata.SortOrders.Any(one => one.OrderId == id)
                ? _metadata
                : _metadata with { SortOrders = [.. _metadata.SortOrders, order with { OrderId = id }] };
        }

        private TableMetadata AddSnapshot(Snapshot snapshot)
        {
            if (_metadata.FindSnapshot(snapshot.SnapshotId) is not null)
            {
                throw new ArgumentException($"add snapshot: {snapshot.SnapshotId} is in the table already");
            }

            if (_metadata.FormatVersion > 1 && snapshot.SequenceNumber <= _metadata.LastSequenceNumber && snapshot.ParentSnapshotId is not null)
            {
                throw new ArgumentException($"add snapshot {snapshot.SnapshotId}: expected a sequence number above {_metadata.LastSequenceNumber}, got {snapshot.SequenceNumber}");
            }

            long? nextRowId = _metadata.NextRowId;
            if (_metadata.FormatVersion >= 3)
            {
                if (snapshot.FirstRowId is not long first || first < nextRowId || snapshot.AddedRows is not (>= 0 and long rows))
                {
                    throw new ArgumentException($"add snapshot {snapshot.SnapshotId}: expected a first row id of at least {nextRowId} and a number of added rows, got {Text(snapshot.FirstRowId)} and {Text(snapshot.AddedRows)}");
                }

                nextRowId += rows;
            }

            _added.Add(snapshot.SnapshotId);
            _lastUpdatedMs = Math.Max(_metadata.LastUpdatedMs, snapshot.TimestampMs);
            return _metadata with
            {
                Snapshots = [.. _metadata.Snapshots, snapshot],
                LastSequenceNumber = Math.Max(_metadata.LastSequenceNumber, snapshot.SequenceNumber),
                NextRowId = nextRowId,
            };
        }

        private TableMetadata SetRef(string name, SnapshotRef reference)
        {
            var snapshot = _metadata.FindSnapshot(reference.SnapshotId)
                ?? throw new ArgumentException($"set ref {name}: expected a snapshot of the table, got {reference.SnapshotId}");
            if (name == SnapshotRef.Main && reference.IsTag)
            {
                throw new ArgumentException("set ref main: expected a branch, got a tag");
            }

            bool moves = _metadata.Refs.GetValueOrDefault(name)?.SnapshotId != reference.SnapshotId;
            var refs = new Dictionary<string, SnapshotRef>(_metadata.Refs) { [name] = reference };
            if (name != SnapshotRef.Main || !moves)
            {
                return _metadata with { Refs = refs };
            }

            long at = _added.Contains(snapshot.SnapshotId) ? snapshot.TimestampMs : _lastUpdatedMs;
            // A state of main that this very change leaves again was never one that a reader saw.
            var log = _metadata.SnapshotLog.Where(entry => !_added.Contains(entry.SnapshotId));
            return _metadata with
            {
                Refs = refs,
                CurrentSnapshotId = snapshot.SnapshotId,
                SnapshotLog = [.. log, new SnapshotLogEntry(at, snapshot.SnapshotId)],
            };
        }

        private TableMetadata RemoveRef(string name)
        {
            var refs = new Dictionary<string, SnapshotRef>(_metadata.Refs);
            refs.Remove(name);
            return name == SnapshotRef.Main
                ? _metadata with { Refs = refs, CurrentSnapshotId = null, SnapshotLog = [] }
                : _metadata with { Refs = refs };
        }

        private TableMetadata RemoveSnapshots(HashSet<long> ids)
        {
            var log = new List<SnapshotLogEntry>();
            foreach (var entry in _metadata.SnapshotLog)
            {
                // History must have no holes: what lies before a state that is gone goes with it.
                if (ids.Contains(entry.SnapshotId))
                {
                    log.Clear();
                }
                else
                {
                    log.Add(entry);
                }
            }

            return _metadata with
            {
                Snapshots = [.. _metadata.Snapshots.Where(snapshot => !ids.Contains(snapshot.SnapshotId))],
                Refs = _metadata.Refs.Where(pair => !ids.Contains(pair.Value.SnapshotId)).ToDictionary(),
                CurrentSnapshotId = _metadata.CurrentSnapshotId is long current && ids.Contains(current) ? null : _metadata.CurrentSnapshotId,
                SnapshotLog = log,
                Statistics = [.. _metadata.Statistics.Where(file => !ids.Contains(file.SnapshotId))],
                PartitionStatistics = [.. _metadata.PartitionStatistics.Where(file => !ids.Contains(file.SnapshotId))],
            };
        }

        private TableMetadata RemoveSpecs(HashSet<int> ids) => ids.Contains(_metadata.DefaultSpecId)
            ? throw new ArgumentException($"remove partition specs: {_metadata.DefaultSpecId} is the default one")
            : _metadata with { PartitionSpecs = [.. _metadata.PartitionSpecs.Where(spec => !ids.Contains(spec.SpecId))] };

        private TableMetadata RemoveSchemas(HashSet<int> ids) => ids.Contains(_metadata.CurrentSchemaId)
            ? throw new ArgumentException($"remove schemas: {_metadata.CurrentSchemaId} is the current one")
            : _metadata with { Schemas = [.. _metadata.Schemas.Where(schema => !ids.Contains(schema.SchemaId))] };

        private TableMetadata SetProperties(IReadOnlyDictionary<string, string> updates)
        {
            var properties = new Dictionary<string, string>(_metadata.Properties);
            foreach (var (name, value) in updates)
            {
                properties[name] = value;
            }

            return _metadata with { Properties = properties };
        }
    }
}
