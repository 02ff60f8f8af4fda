"""Layouts of the 132 ROPs of MS-OXCROPS 2.2 and of what stands in them (MS-OXCDATA 2, MS-OXORULE 2.2.5, MS-OXCNOTIF
2.2.1.4.1.2), as rows that ropreader.py reads by and the generator of samples (tests/synth/rops.py) writes by. They are the
tests' own second writing of the layouts: nothing here comes from the plugin.

A row of ROPS: id, name, section below 2.2 | request behind RopId | index of the response, then its forms.
  L I O R S D   LogonId, InputHandleIndex, OutputHandleIndex, ResponseHandleIndex, SourceHandleIndex, DestHandleIndex: a byte
  -             no request exists; in a response: neither index nor ReturnValue
  =0/40380:     the body that follows when ReturnValue is one of these; !503: when it is none of these; *: always.
                ",private" and ",!private": and the request's LogonFlags have that bit, or not. Where no form fits, the
                response ends behind ReturnValue.
A field is Name:type, with what follows in this order
  *  *N *Name   that many of them: as the field before says, N, or as the named field says
  @             stands in a window of as many bytes as the field before says; nothing where that is 0
  ~             fills such a window, as many as there are
  ?A,B          there only if all hold: Name (not 0), !Name (0), Name=X/Y (one of these, hexadecimal), Name!X (not that),
                Name&X (a bit). What is not there is 0.
Types: 1 2 4 8 unsigned, i4 i8 signed, id (REPLID and GlobalCounter: a number with its first byte highest), tag, guid,
  ltid (LongTermID), z (8-bit text with its 0), u(Name) (the same, of 16 bits if the field is not 0), b (bytes, as many as
  the field before says), b(N), b(Name), b(end), tagged (a property tag and its value), Row(columns) (PropertyRow), Restriction, and
  the structures below.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import re

HEADS = {"L": "LogonId", "I": "InputHandleIndex", "O": "OutputHandleIndex", "R": "ResponseHandleIndex",
         "S": "SourceHandleIndex", "D": "DestHandleIndex"}

# What several rows have in common.
SHORT = {
    "TAGS": "PropertyTagCount:2 PropertyTags:tag*",
    "VALUES": "PropertyValueCount:2 PropertyValues:tagged*",
    "PROBLEMS": "PropertyProblemCount:2 PropertyProblems:PropertyProblem*",
    "MESSAGES": "MessageIdCount:2 MessageIds:id*",
    "RESTRICTION": "RestrictionDataSize:2 RestrictionData:Restriction@",
    "MESSAGE": "HasNamedProperties:1 SubjectPrefix:TypedString NormalizedSubject:TypedString RecipientCount:2 ColumnCount:2 "
               "RecipientColumns:tag* RowCount:1 RecipientRows:OpenRecipientRow*",
    "GHOSTED": "ServerCount:2?IsGhosted CheapServerCount:2?IsGhosted Servers:z*ServerCount?IsGhosted",
    "DONE": "!503: PartialCompletion:1 | =503: DestHandleIndex:4 PartialCompletion:1",
    "PUT": "TransferDataSize:2 TransferData:b",
}

ROPS = """
01 Release 15.3 | L I |
02 OpenFolder 4.1 | L I O FolderId:id OpenModeFlags:1 | O =0: HasRules:1 IsGhosted:1 GHOSTED
03 OpenMessage 6.1 | L I O CodePageId:2 FolderId:id OpenModeFlags:1 MessageId:id | O =0: MESSAGE
04 GetHierarchyTable 4.13 | L I O TableFlags:1 | O =0: RowCount:4
05 GetContentsTable 4.14 | L I O TableFlags:1 | O =0: RowCount:4
06 CreateMessage 6.2 | L I O CodePageId:2 FolderId:id AssociatedFlag:1 | O =0: HasMessageId:1 MessageId:id?HasMessageId
07 GetPropertiesSpecific 8.3 | L I PropertySizeLimit:2 WantUnicode:2 TAGS | I =0: RowData:Row(request)
08 GetPropertiesAll 8.4 | L I PropertySizeLimit:2 WantUnicode:2 | I =0: VALUES
09 GetPropertiesList 8.5 | L I | I =0: TAGS
0A SetProperties 8.6 | L I PropertyValueSize:2 VALUES | I =0: PROBLEMS
0B DeleteProperties 8.8 | L I TAGS | I =0: PROBLEMS
0C SaveChangesMessage 6.3 | L R I SaveFlags:1 | R =0: InputHandleIndex:1 MessageId:id
0D RemoveAllRecipients 6.4 | L I Reserved:4 | I
0E ModifyRecipients 6.5 | L I ColumnCount:2 RecipientColumns:tag* RowCount:2 RecipientRows:ModifyRecipientRow* | I
0F ReadRecipients 6.6 | L I RowId:4 Reserved:2 | I =0: RowCount:1 RecipientRows:ReadRecipientRow*
10 ReloadCachedInformation 6.7 | L I Reserved:2 | I =0: MESSAGE
11 SetMessageReadFlag 6.11 | L R I ReadFlags:1 ClientData:b(24)?!private | R =0: ReadStatusChanged:1 LogonId:1?ReadStatusChanged ClientData:b(24)?ReadStatusChanged
12 SetColumns 5.1 | L I SetColumnsFlags:1 TAGS | I =0: TableStatus:1
13 SortTable 5.2 | L I SortTableFlags:1 SortOrderCount:2 CategoryCount:2 ExpandedCount:2 SortOrders:SortOrder*SortOrderCount | I =0: TableStatus:1
14 Restrict 5.3 | L I RestrictFlags:1 RESTRICTION | I =0: TableStatus:1
15 QueryRows 5.4 | L I QueryRowsFlags:1 ForwardRead:1 RowCount:2 | I =0: Origin:1 RowCount:2 RowData:Row(table)*
16 GetStatus 5.6 | L I | I =0: TableStatus:1
17 QueryPosition 5.7 | L I | I =0: Numerator:4 Denominator:4
18 SeekRow 5.8 | L I Origin:1 RowCount:i4 WantRowMovedCount:1 | I =0: HasSoughtLess:1 RowsSought:i4
19 SeekRowBookmark 5.9 | L I BookmarkSize:2 Bookmark:b RowCount:i4 WantRowMovedCount:1 | I =0: RowNoLongerVisible:1 HasSoughtLess:1 RowsSought:i4
1A SeekRowFractional 5.10 | L I Numerator:4 Denominator:4 | I
1B CreateBookmark 5.11 | L I | I =0: BookmarkSize:2 Bookmark:b
1C CreateFolder 4.2 | L I O FolderType:1 UseUnicodeStrings:1 OpenExisting:1 Reserved:1 DisplayName:u(UseUnicodeStrings) Comment:u(UseUnicodeStrings) | O =0: FolderId:id IsExistingFolder:1 HasRules:1?IsExistingFolder IsGhosted:1?IsExistingFolder GHOSTED
1D DeleteFolder 4.3 | L I DeleteFolderFlags:1 FolderId:id | I *: PartialCompletion:1
1E DeleteMessages 4.11 | L I WantAsynchronous:1 NotifyNonRead:1 MESSAGES | I *: PartialCompletion:1
1F GetMessageStatus 6.9 | L I MessageId:id | I =0: MessageStatusFlags:4
20 SetMessageStatus 6.8 | L I MessageId:id MessageStatusFlags:4 MessageStatusMask:4 | I =0: MessageStatusFlags:4
21 GetAttachmentTable 6.17 | L I O TableFlags:1 | O
22 OpenAttachment 6.12 | L I O OpenAttachmentFlags:1 AttachmentID:4 | O
23 CreateAttachment 6.13 | L I O | O =0: AttachmentID:4
24 DeleteAttachment 6.14 | L I AttachmentID:4 | I
25 SaveChangesAttachment 6.15 | L R I SaveFlags:1 | R
26 SetReceiveFolder 3.3 | L I FolderId:id MessageClass:z | I
27 GetReceiveFolder 3.2 | L I MessageClass:z | I =0: FolderId:id ExplicitMessageClass:z
29 RegisterNotification 14.1 | L I O NotificationTypes:2 Reserved:1?NotificationTypes&400 WantWholeStore:1 FolderId:id?!WantWholeStore MessageId:id?!WantWholeStore | O
2A Notify 14.2 | - | - *: NotificationHandle:4 LogonId:1 NotificationData:NotificationData
2B OpenStream 9.1 | L I O PropertyTag:tag OpenModeFlags:1 | O =0: StreamSize:4
2C ReadStream 9.2 | L I ByteCount:2 MaximumByteCount:4?ByteCount=BABE | I *: DataSize:2 Data:b
2D WriteStream 9.3 | L I DataSize:2 Data:b | I *: WrittenSize:2
2E SeekStream 9.8 | L I Origin:1 Offset:i8 | I =0: NewPosition:8
2F SetStreamSize 9.7 | L I StreamSize:8 | I
30 SetSearchCriteria 4.4 | L I RESTRICTION FolderIdCount:2 FolderIds:id* SearchFlags:4 | I
31 GetSearchCriteria 4.5 | L I UseUnicode:1 IncludeRestriction:1 IncludeFolders:1 | I =0: RESTRICTION LogonId:1 FolderIdCount:2 FolderIds:id* SearchFlags:4
32 SubmitMessage 7.1 | L I SubmitFlags:1 | I
33 MoveCopyMessages 4.6 | L S D MESSAGES WantAsynchronous:1 WantCopy:1 | S DONE
34 AbortSubmit 7.2 | L I FolderId:id MessageId:id | I
35 MoveFolder 4.7 | L S D WantAsynchronous:1 UseUnicode:1 FolderId:id NewFolderName:u(UseUnicode) | S DONE
36 CopyFolder 4.8 | L S D WantAsynchronous:1 WantRecursive:1 UseUnicode:1 FolderId:id NewFolderName:u(UseUnicode) | S DONE
37 QueryColumnsAll 5.12 | L I | I =0: TAGS
38 Abort 5.5 | L I | I =0: TableStatus:1
39 CopyTo 8.12 | L S D WantAsynchronous:1 WantSubObjects:1 CopyFlags:1 ExcludedTagCount:2 ExcludedTags:tag* | S =0: PROBLEMS | =503: DestHandleIndex:4
3A CopyToStream 9.9 | L S D ByteCount:8 | S !503: ReadByteCount:8 WrittenByteCount:8 | =503: DestHandleIndex:4 ReadByteCount:8 WrittenByteCount:8
3B CloneStream 9.13 | L I O | O
3E GetPermissionsTable 10.2 | L I O TableFlags:1 | O
3F GetRulesTable 11.2 | L I O TableFlags:1 | O
40 ModifyPermissions 10.1 | L I ModifyFlags:1 ModifyCount:2 PermissionsData:PermissionData* | I
41 ModifyRules 11.1 | L I ModifyRulesFlags:1 RulesCount:2 RulesData:RuleData* | I
42 GetOwningServers 3.6 | L I FolderId:id | I =0: OwningServersCount:2 CheapServersCount:2 OwningServers:z*OwningServersCount
43 LongTermIdFromId 3.8 | L I ObjectId:id | I =0: LongTermId:ltid
44 IdFromLongTermId 3.9 | L I LongTermId:ltid | I =0: ObjectId:id
45 PublicFolderIsGhosted 3.7 | L I FolderId:id | I =0: IsGhosted:1 ServersCount:2?IsGhosted CheapServersCount:2?IsGhosted Servers:z*ServersCount?IsGhosted
46 OpenEmbeddedMessage 6.16 | L I O CodePageId:2 OpenModeFlags:1 | O =0: Reserved:1 MessageId:id MESSAGE
47 SetSpooler 7.4 | L I | I
48 SpoolerLockMessage 7.5 | L I MessageId:id LockState:1 | I
49 GetAddressTypes 7.3 | L I | I =0: AddressTypeCount:2 AddressTypeSize:2 AddressTypes:z*AddressTypeCount
4A TransportSend 7.6 | L I | I =0: NoPropertiesReturned:1 VALUES
4B FastTransferSourceCopyMessages 12.6 | L I O MESSAGES CopyFlags:1 SendOptions:1 | O
4C FastTransferSourceCopyFolder 12.5 | L I O CopyFlags:1 SendOptions:1 | O
4D FastTransferSourceCopyTo 12.7 | L I O Level:1 CopyFlags:4 SendOptions:1 TAGS | O
4E FastTransferSourceGetBuffer 12.4 | L I BufferSize:2 MaximumBufferSize:2?BufferSize=BABE | I *: TransferStatus:2 InProgressCount:2 TotalStepCount:2 Reserved:1 TransferBufferSize:2 TransferBuffer:b BackoffTime:4?ReturnValue=480
4F FindRow 5.13 | L I FindRowFlags:1 RESTRICTION Origin:1 BookmarkSize:2 Bookmark:b | I =0: RowNoLongerVisible:1 HasRowData:1 RowData:Row(table)?HasRowData
50 Progress 8.13 | L I WantCancel:1 | I =0: LogonId:1 CompletedTaskCount:4 TotalTaskCount:4
51 TransportNewMail 7.7 | L I MessageId:id FolderId:id MessageClass:z MessageFlags:4 | I
52 GetValidAttachments 6.18 | L I | I =0: AttachmentIdCount:2 AttachmentIdArray:i4*
53 FastTransferDestinationConfigure 12.1 | L I O SourceOperation:1 CopyFlags:1 | O
54 FastTransferDestinationPutBuffer 12.2 | L I PUT | I *: TransferStatus:2 InProgressCount:2 TotalStepCount:2 Reserved:1 BufferUsedSize:2
55 GetNamesFromPropertyIds 8.2 | L I PropertyIdCount:2 PropertyIds:2* | I =0: PropertyNameCount:2 PropertyNames:PropertyName*
56 GetPropertyIdsFromNames 8.1 | L I Flags:1 PropertyNameCount:2 PropertyNames:PropertyName* | I =0/40380: PropertyIdCount:2 PropertyIds:2*
57 UpdateDeferredActionMessages 11.3 | L I ServerEntryIdSize:2 ServerEntryId:b ClientEntryIdSize:2 ClientEntryId:b | I
58 EmptyFolder 4.9 | L I WantAsynchronous:1 WantDeleteAssociated:1 | I *: PartialCompletion:1
59 ExpandRow 5.16 | L I MaxRowCount:2 CategoryId:id | I =0: ExpandedRowCount:4 RowCount:2 RowData:Row(table)*
5A CollapseRow 5.17 | L I CategoryId:id | I =0: CollapsedRowCount:4
5B LockRegionStream 9.10 | L I RegionOffset:8 RegionSize:8 LockFlags:4 | I
5C UnlockRegionStream 9.11 | L I RegionOffset:8 RegionSize:8 LockFlags:4 | I
5D CommitStream 9.5 | L I | I
5E GetStreamSize 9.6 | L I | I =0: StreamSize:4
5F QueryNamedProperties 8.10 | L I QueryFlags:1 HasGuid:1 PropertyGuid:guid?HasGuid | I =0: IdCount:2 PropertyIds:2* PropertyNames:PropertyName*IdCount
60 GetPerUserLongTermIds 3.10 | L I DatabaseGuid:guid | I =0: LongTermIdCount:2 LongTermIds:ltid*
61 GetPerUserGuid 3.11 | L I LongTermId:ltid | I =0: DatabaseGuid:guid
63 ReadPerUserInformation 3.12 | L I FolderId:ltid Reserved:1 DataOffset:4 MaxDataSize:2 | I =0: HasFinished:1 DataSize:2 Data:b
64 WritePerUserInformation 3.13 | L I FolderId:ltid HasFinished:1 DataOffset:4 DataSize:2 Data:b ReplGuid:guid?!DataOffset,private | I
66 SetReadFlags 6.10 | L I WantAsynchronous:1 ReadFlags:1 MESSAGES | I *: PartialCompletion:1
67 CopyProperties 8.11 | L S D WantAsynchronous:1 CopyFlags:1 TAGS | S =0: PROBLEMS | =503: DestHandleIndex:4
68 GetReceiveFolderTable 3.4 | L I | I =0: RowCount:4 Rows:Row(receive)*RowCount
69 FastTransferSourceCopyProperties 12.8 | L I O Level:1 CopyFlags:1 SendOptions:1 TAGS | O
6B GetCollapseState 5.18 | L I RowId:id RowInstanceNumber:4 | I =0: CollapseStateSize:2 CollapseState:b
6C SetCollapseState 5.19 | L I CollapseStateSize:2 CollapseState:b | I =0: BookmarkSize:2 Bookmark:b
6D GetTransportFolder 7.8 | L I | I =0: FolderId:id
6E Pending 14.3 | - | - *: SessionIndex:2
6F OptionsData 7.9 | L I AddressType:z WantWin32:1 | I =0: Reserved:1 OptionsInfoSize:2 OptionsInfo:b HelpFileSize:2 HelpFile:b HelpFileName:z?HelpFileSize
70 SynchronizationConfigure 13.1 | L I O SynchronizationType:1 SendOptions:1 SynchronizationFlags:2 RESTRICTION SynchronizationExtraFlags:4 TAGS | O
72 SynchronizationImportMessageChange 13.2 | L I O ImportFlag:1 VALUES | O =0: MessageId:id
73 SynchronizationImportHierarchyChange 13.4 | L I HierarchyValueCount:2 HierarchyValues:tagged* VALUES | I =0: FolderId:id
74 SynchronizationImportDeletes 13.5 | L I ImportDeleteFlags:1 VALUES | I
75 SynchronizationUploadStateStreamBegin 13.9 | L I StateProperty:tag TransferBufferSize:4 | I
76 SynchronizationUploadStateStreamContinue 13.10 | L I StreamDataSize:4 StreamData:b | I
77 SynchronizationUploadStateStreamEnd 13.11 | L I | I
78 SynchronizationImportMessageMove 13.6 | L I SourceFolderIdSize:4 SourceFolderId:b SourceMessageIdSize:4 SourceMessageId:b PredecessorChangeListSize:4 PredecessorChangeList:b DestinationMessageIdSize:4 DestinationMessageId:b ChangeNumberSize:4 ChangeNumber:b | I =0: MessageId:id
79 SetPropertiesNoReplicate 8.7 | L I PropertyValueSize:2 VALUES | I =0: PROBLEMS
7A DeletePropertiesNoReplicate 8.9 | L I TAGS | I =0: PROBLEMS
7B GetStoreState 3.5 | L I | I =0: StoreState:4
7E SynchronizationOpenCollector 13.7 | L I O IsContentsCollector:1 | O
7F GetLocalReplicaIds 13.13 | L I IdCount:4 | I =0: ReplGuid:guid GlobalCount:b(6)
80 SynchronizationImportReadStateChanges 13.3 | L I MessageReadStatesSize:2 MessageReadStates:MessageReadState~ | I
81 ResetTable 5.15 | L I | I
82 SynchronizationGetTransferState 13.8 | L I O | O
86 TellVersion 12.9 | L I Version:2*3 | I
89 FreeBookmark 5.14 | L I BookmarkSize:2 Bookmark:b | I
90 WriteAndCommitStream 9.12 | L I DataSize:2 Data:b | I *: WrittenSize:2
91 HardDeleteMessages 4.12 | L I WantAsynchronous:1 NotifyNonRead:1 MESSAGES | I *: PartialCompletion:1
92 HardDeleteMessagesAndSubfolders 4.10 | L I WantAsynchronous:1 WantDeleteAssociated:1 | I *: PartialCompletion:1
93 SetLocalReplicaMidsetDeleted 13.12 | L I DataSize:2 LongTermIdRangeCount:4 LongTermIdRanges:LongTermIdRange* | I
9D FastTransferDestinationPutBufferExtended 12.3 | L I PUT | I *: TransferStatus:2 InProgressCount:4 TotalStepCount:4 Reserved:1 BufferUsedSize:2
A3 WriteStreamExtended 9.4 | L I DataSize:2 Data:b | I *: WrittenSize:4
F9 Backoff 15.2 | - | - *: LogonId:1 Duration:4 BackoffRopCount:1 BackoffRopData:BackoffRop* AdditionalDataSize:2 AdditionalData:b
FE Logon 3.1 | L O LogonFlags:1 OpenFlags:4 StoreState:4 EssdnSize:2 Essdn:b | O =0,private: LogonFlags:1 FolderIds:id*13 ResponseFlags:1 MailboxGuid:guid ReplId:2 ReplGuid:guid LogonTime:LogonTime GwartTime:8 StoreState:4 | =0,!private: LogonFlags:1 FolderIds:id*13 ReplId:2 ReplGuid:guid PerUserGuid:guid | =478: LogonFlags:1 ServerNameSize:1 ServerName:b
FF BufferTooSmall 15.1 | - | - *: SizeNeeded:2 RequestBuffers:b(end)
"""

# Name, where it is described | fields. What is reused by sight: kind T U S M of NotificationFlags (2.2.1.1 of
# MS-OXCNOTIF), address and wide of RecipientFlags (2.8.3.1 of MS-OXCDATA); parent: S and M are alike.
STRUCTURES = """
OpenRecipientRow ROPS:6.1.2.1 | RecipientType:1 CodePageId:2 Reserved:2 RecipientRowSize:2 RecipientRow:RecipientRow@
ModifyRecipientRow ROPS:6.5.1.1 | RowId:4 RecipientType:1 RecipientRowSize:2 RecipientRow:RecipientRow@
ReadRecipientRow ROPS:6.6.2.1 | RowId:4 RecipientType:1 CodePageId:2 Reserved:2 RecipientRowSize:2 RecipientRow:RecipientRow@
RecipientRow CDATA:2.8.3.2 | RecipientFlags:2 X500 ENTRY AddressType:z?address=0,RecipientFlags&8000 EmailAddress:u(wide)?RecipientFlags&8 DisplayName:u(wide)?RecipientFlags&10 SimpleDisplayName:u(wide)?RecipientFlags&400 TransmittableDisplayName:u(wide)?RecipientFlags&20 RecipientColumnCount:2 RecipientProperties:Row(recipient)
PermissionData ROPS:10.1.1.1 | PermissionDataFlags:1 VALUES
RuleData ROPS:11.1.1.1 | RuleDataFlags:1 VALUES
MessageReadState ROPS:13.3.1.1 | MessageIdSize:2 MessageId:b MarkAsRead:1
LongTermIdRange ROPS:13.12.1.1 | MinLongTermId:ltid MaxLongTermId:ltid
BackoffRop ROPS:15.2.1.1 | RopIdBackoff:1 Duration:4
LogonTime ROPS:3.1.2.1 | Seconds:1 Minutes:1 Hour:1 DayOfWeek:1 Day:1 Month:1 Year:2
NotificationData CNOTIF:2.2.1.4.1.2 | NotificationFlags:2 TABLE OBJECT MAIL
PropertyProblem CDATA:2.7 | Index:2 PropertyTag:tag ErrorCode:4
SortOrder CDATA:2.13.1 | PropertyType:2 PropertyId:2 Order:1
PropertyName CDATA:2.6.1 | Kind:1 GUID:guid LID:4?Kind=0 NameSize:1?Kind=1 Name:b?Kind=1
TypedString CDATA:2.11.7 | StringType:1 String:z?StringType=2/3 String:u(StringType)?StringType=4
RuleAction ORULE:2.2.5 | NoOfActions:2 ActionBlocks:ActionBlock*
ActionBlock ORULE:2.2.5.1 | ActionLength:2 Action:Action@
Action ORULE:2.2.5.1 | ActionType:1 ActionFlavor:4 ActionFlags:4 MOVE ReplyTemplateFID:id?ActionType=3/4 ReplyTemplateMID:id?ActionType=3/4 ReplyTemplateGUID:guid?ActionType=3/4 Data:b(end)?ActionType=5 BounceCode:4?ActionType=6 RecipientCount:2?ActionType=7/8 RecipientBlocks:RecipientBlockData*?ActionType=7/8 Value:tagged?ActionType=9
ServerEid ORULE:2.2.5.1.2.1.1 | Ours:1 FolderId:id?Ours=1 MessageId:id?Ours=1 Instance:4?Ours=1
RecipientBlockData ORULE:2.2.5.1.2.4.1 | Reserved:1 NoOfProperties:2 PropertyValues:tagged*
"""

# Restrictions, MS-OXCDATA 2.12: type, name | what follows the type.
RESTRICTIONS = """
0 And | RestrictCount:2 Restrictions:Restriction*
1 Or | RestrictCount:2 Restrictions:Restriction*
2 Not | Restriction:Restriction
3 Content | FuzzyLevelLow:2 FuzzyLevelHigh:2 PropertyTag:tag TaggedValue:tagged
4 Property | RelOp:1 PropTag:tag TaggedValue:tagged
5 CompareProperties | RelOp:1 PropTag1:tag PropTag2:tag
6 Bitmask | BitmapRelOp:1 PropTag:tag Mask:4
7 Size | RelOp:1 PropTag:tag Size:4
8 Exist | PropTag:tag
9 SubObject | Subobject:tag Restriction:Restriction
A Comment | TaggedValuesCount:1 TaggedValues:tagged* RestrictionPresent:1 Restriction:Restriction?RestrictionPresent
B Count | Count:4 SubRestriction:Restriction
"""

# Property values in ROP buffers, MS-OXCDATA 2.11.1: type, name, as a type of fields; s2 is a count of two bytes and that
# many bytes. 1xxx: a count of four bytes and that many values. 3xxx in a row: one value of the single type.
VALUES = """
0000 Unspecified typed
0001 Null b(0)
0002 Integer16 i2
0003 Integer32 i4
0004 Floating32 b(4)
0005 Floating64 b(8)
0006 Currency i8
0007 FloatingTime b(8)
000A ErrorCode 4
000B Boolean 1
000D Object s2
0014 Integer64 i8
001E String8 z
001F String u
0040 Time 8
0048 Guid guid
00FB ServerId s2
00FD Restriction Restriction
00FE RuleAction RuleAction
0102 Binary s2
"""

RECEIVE_FOLDER = [0x67480014, 0x001A001E, 0x30080040]        # the columns of RopGetReceiveFolderTable's rows
ASYNCHRONOUS = {0x39, 0x67, 0x66, 0x33, 0x35, 0x36, 0x92, 0x58, 0x1E, 0x91}     # RopProgress may stand for their answer
EXTRA = {0x2A, 0x6E, 0xF9, 0xFF}                             # responses that no request asks for
RELEASE, PROGRESS = 0x01, 0x50
PACKED_RESPONSE = {0x15, 0x2C, 0x4E}                         # MS-OXCRPC 3.1.4.2.1.2: further buffers of a response
PACKED_REQUEST = {0xA3, 0x54, 0x9D}                          # and of a request

SHORT.update({
    "X500": "AddressPrefixUsed:1?address=1 DisplayType:1?address=1 X500DN:z?address=1",
    "ENTRY": "EntryIdSize:2?address=6/7 EntryId:b?address=6/7 SearchKeySize:2?address=6/7 SearchKey:b?address=6/7",
    "TABLE": "TableEventType:2?kind=100 TableRowFolderID:id?event=3/4/5 TableRowMessageID:id?event=3/4/5,M "
             "TableRowInstance:4?event=3/4/5,M InsertAfterTableRowFolderID:id?event=3/5 InsertAfterTableRowID:id?event=3/5,M "
             "InsertAfterTableRowInstance:4?event=3/5,M TableRowDataSize:2?event=3/5 TableRowData:Row(table)@?event=3/5",
    "OBJECT": "FolderId:id?object MessageId:id?object,M ParentFolderId:id?kind=4/8/20/40,parent OldFolderId:id?kind=20/40 "
              "OldMessageId:id?kind=20/40,M OldParentFolderId:id?kind=20/40,!M TagCount:2?kind=4/10 Tags:tag*?kind=4/10,TagCount!FFFF",
    "MAIL": "TotalMessageCount:4?T UnreadMessageCount:4?U MessageFlags:4?kind=2 UnicodeFlag:1?kind=2 "
            "MessageClass:u(UnicodeFlag)?kind=2",
    "MOVE": "FolderInThisStore:1?ActionType=1/2 StoreEIDSize:2?ActionType=1/2 StoreEID:b?ActionType=1/2 "
            "FolderEIDSize:2?ActionType=1/2 FolderEID:ServerEid@?ActionType=1/2,server FolderEID:b(FolderEIDSize)?ActionType=1/2,!server",
})
DERIVED = {
    "kind": lambda v: v["NotificationFlags"] & 0xFFF,
    "T": lambda v: v["NotificationFlags"] & 0x1000,
    "U": lambda v: v["NotificationFlags"] & 0x2000,
    "M": lambda v: v["NotificationFlags"] & 0x8000,
    "parent": lambda v: (v["NotificationFlags"] & 0xC000) in (0, 0xC000),
    "object": lambda v: (v["NotificationFlags"] & 0xFFF) not in (0x100, 0x400),
    "event": lambda v: v.get("TableEventType", 0) if v["NotificationFlags"] & 0xFFF == 0x100 else 0,
    "address": lambda v: v["RecipientFlags"] & 7,
    "wide": lambda v: v["RecipientFlags"] & 0x200,
    "server": lambda v: v["FolderInThisStore"] != 0 and v["FolderEIDSize"] == 21,
}


FIELD = re.compile(r"(\w+):([A-Za-z]\w*|[1248])(?:\((\w+)\))?(\*\w*)?([@~])?(?:\?(.+))?$")
CLAUSE = re.compile(r"(!?)(\w+?)(?:([=!&])([0-9A-F/]+))?$")


class Field:
    """One field of a row."""

    def __init__(self, text, before):
        match = FIELD.match(text)
        if not match:
            raise ValueError(f"no field: {text}")
        self.name, self.type, self.argument, count, self.frame, conditions = match.groups()
        self.before = before                                 # the name of the field before it
        if self.type == "b" and self.argument and not self.argument.isdigit() and self.argument != "end":
            self.before, self.argument = self.argument, None
        self.count = None if count is None else before if count == "*" else int(count[1:]) if count[1:].isdigit() else count[1:]
        self.conditions = [self._clause(text) for text in conditions.split(",")] if conditions else []

    @staticmethod
    def _clause(text):
        match = CLAUSE.match(text)
        if not match:
            raise ValueError(f"no condition: {text}")
        negated, name, how, numbers = match.groups()
        return bool(negated), name, how, [int(number, 16) for number in numbers.split("/")] if numbers else []

    def there(self, values):
        """values: of the fields before it, by name, and private."""
        return all(holds(values, *clause) for clause in self.conditions)


def holds(values, negated, name, how, numbers):
    value = DERIVED[name](values) if name in DERIVED else values.get(name, 0)
    if how == "=":
        return value in numbers
    if how == "!":
        return value not in numbers
    if how == "&":
        return bool(value & numbers[0])
    return bool(value) != negated


def fields(text):
    found = []
    for word in re.sub(r"\b[A-Z0-9]{3,}\b(?!:)", lambda match: SHORT.get(match[0], match[0]), text).split():
        word = f"{HEADS[word]}:1" if word in HEADS else word
        found.append(Field(word, found[-1].name if found else None))
    return found


class Form:
    """A form of a response: where it holds, and the body behind ReturnValue."""

    def __init__(self, text):
        when, _, body = text.partition(":")
        self.when = when
        sign, codes, *more = re.match(r"([=!*])([0-9A-F/]*)(?:,(!?private))?$", when).groups()
        self.sign, self.codes = sign, [int(code, 16) for code in codes.split("/")] if codes else []
        self.private = {"private": True, "!private": False}.get(more[0])
        self.fields = fields(body)

    def fits(self, code, private):
        if self.private is not None and self.private != private:
            return False
        return self.sign == "*" or (code in self.codes) == (self.sign == "=")


class Rop:
    """A row of ROPS. request: its fields behind RopId, None where there is none; index: the name of the response's index,
    None where it has no head; forms: none where there is no response (RopRelease)."""

    def __init__(self, line):
        head, request, response = [*(part.strip() for part in line.split("|", 2))]
        number, self.name, self.section = head.split()
        self.id = int(number, 16)
        self.request = None if request == "-" else fields(request)
        letter, _, forms = response.replace("DONE", SHORT["DONE"]).partition(" ")
        self.answers = bool(letter)
        self.index = HEADS.get(letter)
        self.forms = [Form(form.strip()) for form in forms.split("|") if form.strip()]
        self.output = any(field.name == "OutputHandleIndex" for field in self.request or ())

    def form(self, code, private=True):
        """The form of a response with this ReturnValue; None: it ends behind that."""
        return next((form for form in self.forms if form.fits(code, private)), None)


def _rows(text):
    return [line for line in text.strip().splitlines()]


ALL = {rop.id: rop for rop in map(Rop, _rows(ROPS))}
STRUCTURE = {line.split()[0]: fields(line.split("|", 1)[1]) for line in _rows(STRUCTURES)}
RESTRICTION = {int(line.split()[0], 16): (line.split()[1], fields(line.split("|", 1)[1])) for line in _rows(RESTRICTIONS)}
VALUE = {int(line.split()[0], 16): tuple(line.split()[1:]) for line in _rows(VALUES)}
